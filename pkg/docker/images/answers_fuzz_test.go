// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/docker/docker/api/types/image"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source/sourcetest"
)

// FuzzImageAnswer promises that an image shows under each of its tags, or under its ID if it has none, whatever else
// Docker's answer says.
func FuzzImageAnswer(f *testing.F) {
	f.Add(sourcetest.Encode(f, sourcetest.Image("docker.io/library/busybox:latest", "localhost:5000/a/b:v1")))
	f.Add(sourcetest.Encode(f, sourcetest.Image()))
	id := "sha256:" + dockertest.IDA
	for _, text := range []string{`null`, `{}`, `[]`, `{"Id":"` + id + `"}`, `{"Id":"` + dockertest.IDA + `"}`, `{"Id":"` + id + `","RepoTags":["<none>:<none>","","..:x","a/../b:c","A:b","busybox","a:b@` + id + `"]}`,
		`{"Id":"` + id + `","RepoTags":["a:b","a:b","docker.io/library/a:b"],"RepoDigests":["<none>@<none>","x"],"Created":"9999-12-31T23:59:59-23:59","Size":-1}`,
		`{"Id":"sha256:` + dockertest.IDB + `","RepoTags":["a:b"]}`, `{"Id":"` + id + `","Config":{"Labels":{"a b":"c","ok":"yes"}},"Parent":"../x"}`, `[{"Id":"` + id + `"},{"Id":"x"}]`,
	} {
		f.Add([]byte(text))
	}
	engine, answers := sourcetest.New(f)
	s := New(engine, func() bool { return true })
	f.Fuzz(func(t *testing.T, answer []byte) {
		answers.Body = answer
		objects := sourcetest.Observe(t, s, id)
		var response image.InspectResponse
		if json.Unmarshal(answer, &response) != nil {
			return
		}
		var want []string
		if names.ImageID(response.ID) == id {
			for _, tag := range tagsOf(&response) {
				want = append(want, "engine/"+containers.NameOfTag(tag))
			}
			if len(want) == 0 {
				want = []string{"engine/" + id}
			}
		}
		slices.Sort(want)
		if got := sourcetest.Keys(objects); !slices.Equal(got, want) {
			t.Errorf("shows as %q, want %q", got, want)
		}
	})
}
