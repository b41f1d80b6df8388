// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin_test

import (
	"strings"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

func TestTagMakesATagAndMovesIt(t *testing.T) {
	name := engine.UniqueName("tagged")
	tag := "localhost:5000/team/" + name + ":v1"
	first, second := docker.Image(t, name+":1"), docker.Image(t, name+":2")
	defer untag(t, tag)
	has := func() string {
		inspected, err := docker.Client().ImageInspect(t.Context(), tag)
		if err != nil {
			t.Fatal(err)
		}
		return inspected.ID
	}
	for _, step := range []struct{ command, source, id string }{
		{"tag", name + ":1", first}, {"tag", name + ":1", first},
		{"image tag", name + ":2", second},
		{"tag", strings.TrimPrefix(first, "sha256:")[:20], first},
	} {
		if got := ok(t, append(strings.Fields(step.command), step.source, tag)...); got != "" || has() != step.id {
			t.Errorf("%+v printed %q, and the tag is at %s", step, got, has())
		}
	}
	ok(t, "tag", tag, name)
	if !hasImage(t, name+":latest") {
		t.Error("there is no tag latest")
	}
	untag(t, name+":latest")
	fails(t, []string{"no such image: absent"}, "tag", "absent", name)
	fails(t, []string{"cannot be a tag", "lowercase"}, "tag", name+":1", "Upper")
	fails(t, []string{"cannot be a tag: a tag has no digest"}, "tag", name+":1", name+"@"+first)
}
