// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"slices"
	"strings"
	"testing"

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
