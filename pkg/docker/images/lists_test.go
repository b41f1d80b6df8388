// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"slices"
	"testing"
)

func TestWhatHasChangedBetweenTwoListsOfImages(t *testing.T) {
	named := func(tags ...string) imageNames { return imageNames{tags: tags} }
	for what, test := range map[string]struct {
		before, now map[string]imageNames
		want        []string
	}{
		"nothing":  {map[string]imageNames{"a": named("x:1"), "b": named()}, map[string]imageNames{"a": named("x:1"), "b": named()}, nil},
		"appeared": {nil, map[string]imageNames{"a": named()}, []string{"a"}},
		"tagged":   {map[string]imageNames{"a": named()}, map[string]imageNames{"a": named("x:1")}, []string{moveSubject("x:1", "a")}},
		"moved": {map[string]imageNames{"a": named("x:1"), "b": named("y:1")}, map[string]imageNames{"a": named(), "b": named("x:1", "y:1")},
			[]string{"a", moveSubject("x:1", "b")}},
		"gone": {map[string]imageNames{"a": named("x:1")}, nil, []string{"a"}},
		"pushed": {map[string]imageNames{"a": named("x:1")}, map[string]imageNames{"a": {tags: []string{"x:1"}, digests: []string{"x@sha256:1"}}},
			[]string{"a"}},
	} {
		got := changedImages(test.before, test.now)
		slices.Sort(got)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", what, got, test.want)
		}
	}
}
