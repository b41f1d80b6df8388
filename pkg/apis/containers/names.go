// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

const (
	shortIDLength = 12
	idAlgorithm   = "sha256:"
)

// ShortID returns an ID as the docker command shows it.
func ShortID(id string) string {
	id = strings.TrimPrefix(id, idAlgorithm)
	return id[:min(shortIDLength, len(id))]
}

// HasTag reports whether an object is an image that is named by a tag.
func HasTag(obj runtime.Object) bool {
	image, ok := obj.(*v1alpha1.Image)
	return ok && image.Status.RepoTag != ""
}

// IDs returns the IDs that an object answers to beside its name.
func IDs(obj runtime.Object) []string {
	switch obj := obj.(type) {
	case *v1alpha1.Container:
		return idsOf(obj.Status.ID)
	case *v1alpha1.Image:
		if id := obj.Status.ID; id != obj.Name {
			return append(idsOf(strings.TrimPrefix(id, idAlgorithm)), id)
		}
		return idsOf(strings.TrimPrefix(obj.Status.ID, idAlgorithm))
	}
	return nil
}

func idsOf(id string) []string {
	short := ShortID(id)
	if short == "" {
		return nil
	}
	return []string{id, short}
}
