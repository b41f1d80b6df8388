// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package specs makes specs of containers at random. All of them are valid, and an engine creates a container of each.
package specs

import (
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// World is what specs can refer to.
type World struct {
	// Image is the image of the containers.
	Image string
	// Networks are networks with subnets of their own, at least two. Containers of them get addresses from 2 to 249.
	Networks []Network
	// Container is a container whose namespaces others can share.
	Container string
	// Dir is a directory on the engine's host.
	Dir string
	// Volume is the name of a volume.
	Volume string
	// API is the version of the engine's API.
	API string
}

// Network is a network with a subnet of 256 addresses.
type Network struct {
	Name string
	// Subnet is the beginning of its addresses, such as 10.1.2.
	Subnet string
}

// Field is a field of the spec, or a part of it, that can be given alone.
type Field struct {
	// Name is the path of the field.
	Name string
	// set gives the field a value.
	set func(*maker, *v1alpha1.ContainerSpec)
	// without are beginnings of the names of fields that cannot be given together with this one.
	without []string
}

// maker makes values at random.
type maker struct {
	World
	*rand.Rand
}

// excludes reports whether two fields cannot be given together.
func (f Field) excludes(other Field) bool {
	is := func(prefix string) bool { return strings.HasPrefix(other.Name, prefix) }
	return slices.ContainsFunc(f.without, is)
}

// Compatible reports whether two fields can be given together.
func Compatible(a, b Field) bool { return !a.excludes(b) && !b.excludes(a) }

// Make returns a spec with the fields. Fields that cannot be given together with one before them are left out.
func (w World) Make(random *rand.Rand, fields ...Field) *v1alpha1.ContainerSpec {
	spec := &v1alpha1.ContainerSpec{State: v1alpha1.ContainerStateCreated, Image: w.Image}
	var taken []Field
	for _, f := range fields {
		if !slices.ContainsFunc(taken, func(other Field) bool { return !Compatible(f, other) }) {
			f.set(&maker{w, random}, spec)
			taken = append(taken, f)
		}
	}
	return spec
}

// All returns a spec with as many fields as can be given together.
func (w World) All(random *rand.Rand) *v1alpha1.ContainerSpec {
	fields := slices.Clone(w.Fields())
	random.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	return w.Make(random, fields...)
}

// Update changes at random what can be changed while a container exists: its resources, its restart policy and its networks. It
// leaves MAC addresses out, because Docker does not show those of a container that is stopped. The result may be invalid.
func (w World) Update(random *rand.Rand, spec *v1alpha1.ContainerSpec) {
	m, fields := &maker{w, random}, slices.DeleteFunc(w.Fields(), func(f Field) bool { return !canChange(f, spec) })
	for _, f := range some(m, fields...) {
		f.set(m, spec)
	}
	for i := range spec.Networks {
		spec.Networks[i].MACAddress = ""
	}
}

// canChange reports whether a field can be changed for a container with that spec.
func canChange(f Field, spec *v1alpha1.ContainerSpec) bool {
	switch name, _, _ := strings.Cut(strings.ReplaceAll(f.Name, " ", "."), "."); name {
	case "resources":
		return true
	case "restartPolicy":
		return !spec.AutoRemove
	case "networks":
		return spec.NetworkMode == "" || spec.NetworkMode == "bridge"
	}
	return false
}

// Pairs returns n pairs of fields that can be given together.
func (w World) Pairs(random *rand.Rand, n int) (pairs [][2]Field) {
	fields := w.Fields()
	for len(pairs) < n {
		a, b := fields[random.IntN(len(fields))], fields[random.IntN(len(fields))]
		if a.Name != b.Name && Compatible(a, b) {
			pairs = append(pairs, [2]Field{a, b})
		}
	}
	return pairs
}

// one returns one of several values.
func one[T any](m *maker, values ...T) T { return values[m.IntN(len(values))] }

// some returns some of the values, at least one, in any order.
func some[T any](m *maker, values ...T) []T {
	chosen := slices.Clone(values)
	m.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
	return chosen[:1+m.IntN(len(chosen))]
}

// word returns a word that no other part of a spec has, most likely.
func (m *maker) word() string {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	word := make([]byte, 6)
	for i := range word {
		word[i] = letters[m.IntN(len(letters))]
	}
	return string(word)
}
