// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// SelectableFields returns the fields that an object can be selected by, which depend on its kind alone, and their
// values.
func SelectableFields(obj runtime.Object) fields.Set {
	switch obj := obj.(type) {
	case *v1alpha1.Container:
		return fields.Set{
			"metadata.name":      obj.Name,
			"metadata.namespace": obj.Namespace,
			"spec.state":         string(obj.Spec.State),
			"status.id":          obj.Status.ID,
			"status.image":       obj.Status.Image,
			"status.name":        obj.Status.Name,
			"status.namespace":   obj.Status.Namespace,
			"status.status":      string(obj.Status.Status),
		}
	case *v1alpha1.Image:
		return fields.Set{
			"metadata.name":      obj.Name,
			"metadata.namespace": obj.Namespace,
			"status.id":          obj.Status.ID,
			"status.namespace":   obj.Status.Namespace,
			"status.repoTag":     obj.Status.RepoTag,
		}
	case *v1alpha1.Volume:
		return fields.Set{
			"metadata.name":      obj.Name,
			"metadata.namespace": obj.Namespace,
			"status.driver":      obj.Status.Driver,
			"status.name":        obj.Status.Name,
			"status.namespace":   obj.Status.Namespace,
		}
	case *v1alpha1.ContainerNamespace:
		return fields.Set{
			"metadata.name":      obj.Name,
			"metadata.namespace": obj.Namespace,
		}
	case *v1alpha1.Engine:
		return fields.Set{
			"metadata.name":      obj.Name,
			"metadata.namespace": obj.Namespace,
		}
	}
	return nil
}

// IndexedFields are the selectable fields whose values few objects share, and how each is read.
var IndexedFields = map[string]func(runtime.Object) string{
	"status.id":      func(obj runtime.Object) string { return SelectableFields(obj)["status.id"] },
	"status.repoTag": func(obj runtime.Object) string { return SelectableFields(obj)["status.repoTag"] },
}

// Attrs returns what an object can be selected by: a storage.AttrFunc.
func Attrs(obj runtime.Object) (labels.Set, fields.Set, error) {
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return nil, nil, err
	}
	return accessor.GetLabels(), SelectableFields(obj), nil
}

func sorted(set fields.Set) string {
	return strings.Join(slices.Sorted(maps.Keys(set)), ", ")
}
