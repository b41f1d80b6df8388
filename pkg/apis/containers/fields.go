// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// SelectableFields returns the fields that select an object, and their values. The fields depend only on the kind of
// the object.
func SelectableFields(obj runtime.Object) fields.Set {
	set := fields.Set{}
	switch obj := obj.(type) {
	case *v1alpha1.Container:
		set = fields.Set{"spec.state": string(obj.Spec.State), "status.id": obj.Status.ID, "status.image": obj.Status.Image,
			"status.name": obj.Status.Name, "status.namespace": obj.Status.Namespace, "status.status": string(obj.Status.Status)}
	case *v1alpha1.Image:
		set = fields.Set{"status.dangling": strconv.FormatBool(obj.Status.Dangling), "status.id": obj.Status.ID, "status.inUse": known(obj.Status.InUse),
			"status.namespace": obj.Status.Namespace, "status.repoTag": obj.Status.RepoTag}
	case *v1alpha1.Volume:
		set = fields.Set{"status.anonymous": strconv.FormatBool(obj.Status.Anonymous), "status.driver": obj.Status.Driver,
			"status.inUse": known(obj.Status.InUse), "status.name": obj.Status.Name, "status.namespace": obj.Status.Namespace}
	case *v1alpha1.Network:
		set = fields.Set{"status.driver": obj.Status.Driver, "status.id": obj.Status.ID, "status.namespace": obj.Status.Namespace}
	}
	if accessor, err := meta.Accessor(obj); err == nil {
		set["metadata.name"], set["metadata.namespace"] = accessor.GetName(), accessor.GetNamespace()
	}
	return set
}

// known returns a field's value as selectors write it. It is empty if the value is not known.
func known(value *bool) string {
	if value == nil {
		return ""
	}
	return strconv.FormatBool(*value)
}

// IndexedFields maps the selectable fields that the stores index to functions that read them. Few objects share a value
// of such a field.
var IndexedFields = map[string]func(runtime.Object) string{
	"status.id":      func(obj runtime.Object) string { return SelectableFields(obj)["status.id"] },
	"status.repoTag": func(obj runtime.Object) string { return SelectableFields(obj)["status.repoTag"] },
}

// Attrs is a storage.AttrFunc. It returns the labels and the fields that select an object.
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
