// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/validate/content"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// FuzzIDs promises that an object with any ID answers to this ID and to its short form, and never to an empty name.
func FuzzIDs(f *testing.F) {
	for _, seed := range []string{"", "a", "sha256:", "sha256:sha256:", "sha256:a", strings.Repeat("0123456789abcdef", 4), "sha256:" + strings.Repeat("0123456789abcdef", 4), "..", "é123456789abc"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, name, id string) {
		container := &v1alpha1.Container{Status: v1alpha1.ContainerStatus{ID: id}}
		image := &v1alpha1.Image{Status: v1alpha1.ImageStatus{ID: id}}
		container.Name, image.Name = name, name
		for kind, ids := range map[string][]string{"container": IDs(container), "image": IDs(image)} {
			if slices.Contains(ids, "") {
				t.Errorf("the %s %q answers to the empty name: %q", kind, id, ids)
			}
			for _, one := range ids {
				if bare := strings.TrimPrefix(id, "sha256:"); one != id && !strings.HasPrefix(bare, strings.TrimPrefix(one, "sha256:")) {
					t.Errorf("the %s %q answers to %q", kind, id, one)
				}
			}
			if bare := strings.TrimPrefix(id, "sha256:"); bare != "" && strings.Trim(bare, "0123456789abcdef") == "" && !slices.Contains(ids, ShortID(id)) {
				t.Errorf("the %s %q does not answer to %q: %q", kind, id, ShortID(id), ids)
			}
		}
	})
}

// FuzzObjectName promises that every name becomes one that Kubernetes allows, and that no two valid names become the
// same.
func FuzzObjectName(f *testing.F) {
	for _, seed := range [][2]string{{"team/share", "team~share"}, {"a/b", "a%b"}, {"a/b", "a~b-c14cddc033"}, {"", "-e3b0c44298"}, {".", ".-cdb4ee2aea"}, {"..", ".."}, {"a\x00", "a\x01"}, {"web", "web"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		name := ObjectName(a)
		if errs := content.IsPathSegmentName(name); len(errs) > 0 || name == "" {
			t.Errorf("%q becomes %q: %v", a, name, errs)
		}
		if name != a && !IsMadeName(name) {
			t.Errorf("%q becomes %q, which does not look made", a, name)
		}
		if a != b && strings.ToValidUTF8(a, "") == a && strings.ToValidUTF8(b, "") == b && name == ObjectName(b) {
			t.Errorf("%q and %q become %q", a, b, name)
		}
	})
}

// FuzzIsMadeName promises which names look made. Such a name ends with a dash and ten hexadecimal digits. The part before them is
// empty, ".", "..", has a '~', or looks made itself.
func FuzzIsMadeName(f *testing.F) {
	for _, seed := range []string{"", "-0123456789", "..-0123456789-abcdefabcd", "a~b-0123456789", "a~b-0123456789-x-abcdefabcd", "web-0123456789-abcdefabcd", "\xff~-0123456789"} {
		f.Add(seed)
	}
	made := regexp.MustCompile(`(?s)^(.*)-[0-9a-f]{10}$`)
	var looksMade func(string) bool
	looksMade = func(name string) bool {
		parts := made.FindStringSubmatch(name)
		return parts != nil && (slices.Contains([]string{"", ".", ".."}, parts[1]) || strings.Contains(parts[1], "~") || looksMade(parts[1]))
	}
	f.Fuzz(func(t *testing.T, name string) {
		if got, want := IsMadeName(name), looksMade(name); got != want {
			t.Errorf("%q looks made: %v, want %v", name, got, want)
		}
	})
}
