// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"strings"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// observed returns the tags of an observation that carry a configuration, with it.
func observed(a *applied, id string, tags ...string) string {
	var images []*v1alpha1.Image
	for _, tag := range tags {
		images = append(images, &v1alpha1.Image{Status: v1alpha1.ImageStatus{RepoTag: tag}})
	}
	a.show(id, images)
	var shown []string
	for _, image := range images {
		for _, text := range image.Annotations {
			shown = append(shown, image.Status.RepoTag+"="+text)
		}
	}
	return strings.Join(shown, " ")
}

func TestWhatWasAppliedToATagGoesWithTheTag(t *testing.T) {
	var a applied
	a.set("1", "a", "x")
	a.set("1", "b", "y")
	for _, step := range []struct {
		tags []string
		want string
	}{
		{nil, ""}, // an observation that began before the image got the tags
		{[]string{"a", "b", "c"}, "a=x b=y"},
		{[]string{"a", "c"}, "a=x"},
		{[]string{"a", "b"}, "a=x"}, // somebody else made b
	} {
		if got := observed(&a, "1", step.tags...); got != step.want {
			t.Errorf("an image with the tags %q shows %q, want %q", step.tags, got, step.want)
		}
	}
	a.set("1", "a", "z")
	if got := observed(&a, "1", "a") + observed(&a, "2", "a"); got != "a=z" {
		t.Errorf("after another apply it is %q", got)
	}
	a.set("1", "a", "")
	if got := observed(&a, "1", "a"); got != "" {
		t.Errorf("after an apply without it, it is %q", got)
	}
	a.set("1", "a", "x")
	a.forget("1")
	if got := observed(&a, "1", "a"); got != "" {
		t.Errorf("an image that was removed and made again shows %q", got)
	}
}
