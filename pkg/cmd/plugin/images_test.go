// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// newImage returns an image that was built some hours before. Images with the same ID are tags of one image.
func newImage(id byte, tag string, hours int, changes ...func(*v1alpha1.ImageStatus)) v1alpha1.Image {
	image := v1alpha1.Image{Status: v1alpha1.ImageStatus{
		ID: imageAlgorithm + strings.Repeat(string(id), 64), RepoTag: tag, Dangling: tag == "", CreatedAt: ago(time.Duration(hours) * time.Hour),
	}}
	for _, change := range changes {
		change(&image.Status)
	}
	return image
}

func digests(names ...string) func(*v1alpha1.ImageStatus) {
	return func(status *v1alpha1.ImageStatus) {
		for _, name := range names {
			status.RepoDigests = append(status.RepoDigests, name+"@sha256:"+strings.Repeat("d", 64))
		}
	}
}

func labelled(name, value string) func(*v1alpha1.ImageStatus) {
	return func(status *v1alpha1.ImageStatus) { status.Labels = map[string]string{name: value} }
}

var someOfEach = []v1alpha1.Image{
	newImage('a', "busybox:1", 3, digests("busybox")),
	newImage('a', "busybox:2", 3, digests("busybox")),
	newImage('b', "localhost:5000/team/tool:v1", 2, labelled("tier", "front")),
	newImage('c', "", 1, digests("alpine")),
	newImage('d', "", 4),
}

func TestFiltersOfImagesChooseAsDockersDo(t *testing.T) {
	id := func(digit string) string { return strings.Repeat(digit, 12) }
	for arguments, want := range map[string]string{
		"":                                        "busybox:1 busybox:2 localhost:5000/team/tool:v1 c d",
		"dangling=true":                           "c d",
		"dangling=false":                          "busybox:1 busybox:2 localhost:5000/team/tool:v1",
		"label=tier":                              "localhost:5000/team/tool:v1",
		"label=tier=back":                         "",
		"reference=busybox":                       "busybox:1 busybox:2",
		"reference=busy*":                         "busybox:1 busybox:2",
		"reference=busybox:2":                     "busybox:2",
		"reference=*:v1":                          "",
		"reference=localhost:5000/*/tool":         "localhost:5000/team/tool:v1",
		"reference=alpine":                        "c",
		"reference=alpine reference=busybox:1":    "busybox:1 c",
		"before=busybox:1":                        "d",
		"since=busybox:1":                         "localhost:5000/team/tool:v1 c",
		"since=docker.io/library/busybox:1":       "localhost:5000/team/tool:v1 c",
		"since=" + id("d") + " before=" + id("c"): "busybox:1 busybox:2 localhost:5000/team/tool:v1",
		"before=sha256:" + id("b") + " before=" + id("a"): "d",
		"until=150m":                 "busybox:1 busybox:2 d",
		"until=2026-01-02T00:30:00Z": "busybox:1 busybox:2 d",
		"until=150m until=210m":      "d",
		"until=90m dangling=false":   "busybox:1 busybox:2 localhost:5000/team/tool:v1",
	} {
		chosen, err := imageFilters.parse(strings.Fields(arguments))
		if err != nil {
			t.Fatal(err)
		}
		matching, err := chooseImages(someOfEach, imageFilters, chosen, now)
		if err != nil {
			t.Errorf("%s: %v", arguments, err)
		}
		var names []string
		for i := range matching {
			name := matching[i].Status.RepoTag
			if name == "" {
				name = matching[i].Status.ID[len(imageAlgorithm):][:1]
			}
			names = append(names, name)
		}
		if !slices.Equal(names, strings.Fields(want)) {
			t.Errorf("%s: %q, want %s", arguments, names, want)
		}
	}
}

func TestAFilterOfImagesWithASenselessValueIsAnError(t *testing.T) {
	for argument, want := range map[string]string{
		"dangling=maybe": `--filter "dangling=maybe": must be true or false`,
		"until=soon":     `--filter "until=soon": must be a time such as 2006-01-02T15:04:05Z, or a duration such as 42m`,
		"reference=[":    `--filter "reference=[": syntax error in pattern`,
		"driver=local":   `--filter "driver=local": there is no filter "driver": choose one of before, dangling, label, reference, since, until`,
		"before=absent":  `--filter "before=absent": there is no such image`,
		"since=absent":   `--filter "since=absent": there is no such image`,
	} {
		chosen, err := imageFilters.parse([]string{argument})
		if err == nil {
			_, err = chooseImages(someOfEach, imageFilters, chosen, now)
		}
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v", argument, err)
		}
	}
}

func TestImagesAreListedByTagWithTheNewestFirst(t *testing.T) {
	items := append(slices.Clone(someOfEach), newImage('a', "another:1", 3, digests("busybox")))
	slices.Reverse(items)
	var rows []string
	for _, listed := range imageSummaries(items) {
		rows = append(rows, fmt.Sprintf("%s %s %d", listed.ID[len(imageAlgorithm):][:1], strings.Join(listed.RepoTags, ","), len(listed.RepoDigests)))
	}
	want := []string{"c  1", "b localhost:5000/team/tool:v1 0", "a another:1 0", "a busybox:1,busybox:2 1", "d  0"}
	if !slices.Equal(rows, want) {
		t.Errorf("%q, want %q", rows, want)
	}
}

func TestAnImageIsMeantByTheBeginningOfItsIDAndByItsDigest(t *testing.T) {
	image := newImage('a', "busybox:1", 1, digests("busybox", "localhost:5000/team/tool"))
	digest := "@sha256:" + strings.Repeat("d", 64)
	for argument, want := range map[string]bool{
		"a": true, "aaaaaaaaaaaa": true, "sha256:aa": true, image.Status.ID: true,
		"b": false, "aab": false, "sha256:": false, image.Status.ID + "a": false, "busybox:1": false,
		"busybox" + digest: true, "docker.io/library/busybox" + digest: true, "localhost:5000/team/tool" + digest: true,
		"alpine" + digest: false, "busybox@sha256:" + strings.Repeat("e", 64): false,
	} {
		if got := isMeant(&image, argument); got != want {
			t.Errorf("%s: %t", argument, got)
		}
	}
}

func TestTheRepositoryOfATagEndsBeforeTheTag(t *testing.T) {
	for name, want := range map[string]string{
		"busybox:latest":              "busybox",
		"localhost:5000/team/tool:v1": "localhost:5000/team/tool",
		"localhost:5000/tool@sha256:": "localhost:5000/tool",
		"busybox@sha256:0123":         "busybox",
	} {
		if got := repositoryOf(name); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestAnImageInSeveralRepositoriesIsNotRemovedByItsID(t *testing.T) {
	here, there := newImage('a', "here:1", 1), newImage('a', "there:1", 1)
	if err := refuse([]v1alpha1.Image{here, there}, "aaaa", true); err != nil {
		t.Error(err)
	}
	if err := refuse([]v1alpha1.Image{here, newImage('a', "here:2", 1)}, "aaaa", false); err != nil {
		t.Error(err)
	}
	want := "cannot remove aaaa: the image is in several repositories: name one of here:1, there:1, or add -f"
	if err := refuse([]v1alpha1.Image{here, there}, "aaaa", false); err == nil || err.Error() != want {
		t.Error(err)
	}
}
