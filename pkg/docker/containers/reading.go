// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"slices"

	"github.com/docker/docker/api/types/container"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// reading makes the spec of a container of what Docker says.
type reading struct {
	circumstances
	*container.InspectResponse
	config *container.Config
	host   *container.HostConfig
	// fields are the fields that the container's creator gave. They are nil if it was not made here.
	fields *fieldSet
	spec   v1alpha1.ContainerSpec
}

// specOf returns the spec of a container, without its state.
//
// For a container that was made here, it has Docker's values of the fields that its creator gave. For any other, it has
// what differs from the configuration of the image and from the defaults of the engine.
func specOf(c *container.InspectResponse, about circumstances) v1alpha1.ContainerSpec {
	r := &reading{circumstances: about, InspectResponse: c, config: c.Config, host: c.HostConfig}
	if r.config == nil {
		r.config = &container.Config{}
	}
	if r.host == nil {
		r.host = &container.HostConfig{}
	}
	r.fields = r.creatorsFields()
	if r.image == nil {
		r.image = &imageConfig{}
	}
	if r.usual == nil {
		r.usual = &engineDefaults{}
	}
	for _, g := range groups {
		g.read(r)
	}
	return r.spec
}

// creatorsFields returns the fields of the label. A container inherits the label from an image that was committed from a
// container. Then it says nothing about this one.
func (r *reading) creatorsFields() *fieldSet {
	text, ok := r.config.Labels[v1alpha1.FieldsLabel]
	if !ok || r.image != nil && r.image.Labels[v1alpha1.FieldsLabel] == text {
		return nil
	}
	fields, err := parseFields(text)
	if err != nil {
		return nil // someone else made it up
	}
	return fields
}

// isMadeHere reports whether the container was created by this API.
func (r *reading) isMadeHere() bool { return r.fields != nil }

// gave reports whether the creator of a container that was made here gave the field.
func (r *reading) gave(path ...string) bool { return r.fields.at(path...) != nil }

// shows reports whether the spec shows a field. differs says whether its value is another than without the field.
func (r *reading) shows(differs bool, path ...string) bool {
	if r.isMadeHere() {
		return r.gave(path...)
	}
	return differs
}

// pick returns the value if the spec shows the field. usual is the value that a container has without the field.
func pick[T comparable](r *reading, value, usual T, path ...string) (shown T) {
	if r.shows(value != usual, path...) {
		return value
	}
	return shown
}

// pickList is pick for a list.
func pickList(r *reading, value []string, path ...string) []string {
	if len(value) > 0 && r.shows(true, path...) {
		return slices.Clone(value)
	}
	return nil
}

// pickMap is pick for a map, of which the spec may show only some keys.
func pickMap(r *reading, value map[string]string, path ...string) map[string]string {
	shown := map[string]string{}
	for key, v := range value {
		if r.shows(true, append(slices.Clip(path), key)...) {
			shown[key] = v
		}
	}
	if len(shown) == 0 {
		return nil
	}
	return shown
}

// pickGroup returns a group of fields if it is not empty, or if the creator gave it empty.
func pickGroup[T any](r *reading, found T, isEmpty bool, name string) *T {
	if isEmpty && !r.gave(name) {
		return nil
	}
	return &found
}
