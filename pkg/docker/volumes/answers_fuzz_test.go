// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package volumes

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/docker/docker/api/types/volume"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source/sourcetest"
)

// FuzzVolumeAnswer promises that a volume shows under its name, whatever else Docker's answer says.
func FuzzVolumeAnswer(f *testing.F) {
	f.Add(sourcetest.Encode(f, volume.Volume{Name: "data", Driver: "local", CreatedAt: dockertest.CreatedAt, Mountpoint: "/v", Scope: "local", Labels: map[string]string{"a": "b"}}))
	for _, text := range []string{`null`, `{}`, `[]`, `{"Name":"data"}`, `{"Name":"../data"}`, `{"Name":"data","CreatedAt":"9999-12-31T23:59:59-23:59","Labels":{"":"x"},"Options":{"":""},"Status":{"a":[null]},"UsageData":{"Size":-1}}`,
		`{"Volumes":[null]}`, `{"Volumes":[{"Name":"data"},{"Name":".."}],"Warnings":null}`, `{"Name":"data"}0`,
	} {
		f.Add([]byte(text))
	}
	engine, answers := sourcetest.New(f)
	s := New(engine)
	f.Fuzz(func(t *testing.T, answer []byte) {
		answers.Body = answer
		objects := sourcetest.Observe(t, s, s.lives.use("data", ""))
		var response volume.Volume
		if json.NewDecoder(bytes.NewReader(answer)).Decode(&response) != nil {
			return
		}
		var listed volume.ListResponse
		if json.Unmarshal(answer, &listed) == nil && len(listed.Volumes) > 0 {
			return // it may be a plugin's volume, which Docker lists but does not find
		}
		var want []string
		if response.Name == "data" {
			want = []string{"engine/data"}
		}
		if got := sourcetest.Keys(objects); !slices.Equal(got, want) {
			t.Errorf("shows as %q, want %q", got, want)
		}
	})
}
