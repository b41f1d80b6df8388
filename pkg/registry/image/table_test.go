// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func TestTheColumnsOfImages(t *testing.T) {
	id := "sha256:" + strings.Repeat("0123456789abcdef", 4)
	for _, test := range []struct {
		status v1alpha1.ImageStatus
		want   []any
	}{
		{
			v1alpha1.ImageStatus{ID: id, Size: 4261234, OS: "linux", Architecture: "amd64", RepoTag: "reg:5000/a/b:v1", InUse: ptr.To(true),
				RepoDigests: []string{"a@sha256:1", "reg:5000/a/b@sha256:2"}},
			[]any{"name", "0123456789ab", "4.26MB", "<unknown>", "linux/amd64", "sha256:2", "true", "false"},
		},
		{
			v1alpha1.ImageStatus{ID: id, OS: "linux", RepoDigests: []string{"a@sha256:1"}, InUse: ptr.To(false), Dangling: true},
			[]any{"name", "0123456789ab", "0B", "<unknown>", "linux", "sha256:1", "false", "true"},
		},
		{v1alpha1.ImageStatus{}, []any{"name", "<none>", "0B", "<unknown>", "<none>", "<none>", "<unknown>", "false"}},
	} {
		image := &v1alpha1.Image{Status: test.status}
		image.Name = "name"
		converted, err := table.ConvertToTable(t.Context(), image, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(converted.Rows[0].Cells, test.want) {
			t.Errorf("%q, want %q", converted.Rows[0].Cells, test.want)
		}
	}
}
