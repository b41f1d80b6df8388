// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"encoding/json"
	"maps"
	"testing"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// updates are specs of containers and what clients make of them: a whole spec, or a strategic merge patch.
var updates = []struct{ existing, given string }{
	{`{"image":"a","env":[{"name":"A","value":"x"},{"name":"B","value":"y"}]}`, `{"image":"a","env":[{"name":"B","value":"y"},{"name":"A","value":"x"}]}`},
	{`{"image":"a","env":[{"name":"A","value":"x"},{"name":"B","value":"y"}]}`, `{"image":"a","env":[{"name":"A","value":"x"},{"name":"A","value":"x"}]}`},
	{`{"image":"a","env":[{"name":"A","value":"x"},{"name":"A","value":"x"},{"name":"B"}]}`, `{"image":"a","env":[{"name":"A","value":"x"},{"name":"B"},{"name":"B"}]}`},
	{`{"image":"a","env":[{"name":"A","value":"x"}]}`, `{"image":"a","env":[{"name":"A"}]}`},
	{`{"image":"a","env":[{"name":"A","value":"x"},{"name":"B"}]}`, `{"env":[{"$patch":"delete","name":"A"},{"name":"A"},{"name":"A","value":"x"}],"$setElementOrder/env":[{"name":"B"},{"name":"A"},{"name":"A"}]}`},
	{`{"image":"a","mounts":[{"type":"tmpfs","target":"/a"},{"type":"tmpfs","target":"/b","tmpfs":{"size":"1Ki"}}]}`, `{"image":"a","mounts":[{"type":"tmpfs","target":"/b","tmpfs":{"size":"1024"}},{"type":"tmpfs","target":"/b","tmpfs":{"size":1024}}]}`},
	{`{"image":"a","mounts":[{"type":"tmpfs","target":"/a"}]}`, `{"mounts":[{"target":"/a","tmpfs":{}},{"target":"/a","tmpfs":null},{"type":"tmpfs","target":"/a"}]}`},
	{`{"image":"a","ports":[{"containerPort":80},{"containerPort":80,"protocol":"UDP"}]}`, `{"image":"a","ports":[{"containerPort":80,"protocol":"TCP"},{"containerPort":80,"protocol":"UDP"}]}`},
	{`{"image":"a","ports":[{"containerPort":80},{"containerPort":81}]}`, `{"image":"a","ports":[{"containerPort":80},{"containerPort":80}]}`},
	{`{"image":"a","ports":[{"containerPort":80,"hostPort":0}]}`, `{"image":"a","ports":[{"containerPort":80}]}`},
	{`{"image":"a","networks":[{"name":"a","aliases":["x"]},{"name":"b"}]}`, `{"image":"a","networks":[{"name":"b"},{"name":"a","aliases":["x"]},{"name":"a","aliases":["y"]}]}`},
	{`{"image":"a","networks":[{"name":"a"},{"name":"b"}]}`, `{"image":"a","networks":[{"name":"a"},{"name":"a"}]}`},
	{`{"image":"a","networks":[{"name":"a"},{"name":"a"}]}`, `{"networks":[{"name":"a","aliases":[]},{"name":"a","$patch":"replace"}]}`},
	{`{"image":"a","networks":[{"name":"a"}]}`, `{"networks":[{"$patch":"replace"}]}`},
	{`{"image":"a","networks":[{"name":"a"}]}`, `{"networks":[{"name":{}},{"name":{}}]}`},
	{`{"image":"a","ulimits":[{"name":"core","soft":0,"hard":0},{"name":"cpu","soft":1,"hard":1}]}`, `{"image":"a","ulimits":[{"name":"cpu","soft":1,"hard":1},{"name":"cpu","soft":1,"hard":1}]}`},
	{`{"image":"a","labels":{"a":"b","c d":"e"},"restartPolicy":{"name":"always"}}`, `{"image":"a","labels":{"c d":"e"},"restartPolicy":null}`},
	{`{"image":"a","state":"running","resources":{"memory":"1Gi"}}`, `{"state":"paused"}`},
	{`{"image":"a"}`, `{"image":"a","resources":{},"restartPolicy":{"name":"no"}}`},
	{`{"image":"a","resources":{"memory":"1Gi"}}`, `{"image":"a","resources":{"memory":"1Gi","memorySwap":"2Gi","pids":-1}}`},
	{`{"image":"a","resources":{"memory":"1Gi","memorySwap":"2Gi","pids":-1}}`, `{"image":"a","resources":{"memory":"1Gi"}}`},
}

// FuzzUpdateOfLists promises that an update is taken for no change exactly if it means the same as what is there, whatever stands
// in its lists, and however often.
func FuzzUpdateOfLists(f *testing.F) {
	for _, update := range updates {
		for kind := range uint8(4) {
			f.Add([]byte(update.existing), []byte(update.given), kind&1 != 0, kind&2 != 0)
		}
	}
	f.Fuzz(func(t *testing.T, before, change []byte, isPatch, isHidden bool) {
		existing, updated := &v1alpha1.Container{}, &v1alpha1.Container{}
		if json.Unmarshal(before, &existing.Spec) != nil || repeats(existing.Spec.Env) {
			return
		}
		if existing.Spec.RestartPolicy == nil { // Docker always has one
			existing.Spec.RestartPolicy = &v1alpha1.ContainerRestartPolicy{Name: v1alpha1.ContainerRestartNo}
		}
		s, known := strategy{}, existing.Spec.Env
		if isHidden {
			s.hiddenEnvironment = func(string) []v1alpha1.ContainerEnvVar { return known }
			existing.Spec.Env = containers.HideValues(known)
		}
		if isPatch {
			var ok bool
			if change, ok = patched(t, &existing.Spec, change); !ok {
				return
			}
		}
		if json.Unmarshal(change, &updated.Spec) != nil {
			return
		}
		given := updated.DeepCopy()
		s.PrepareForUpdate(t.Context(), updated, existing)
		errs := s.ValidateUpdate(t.Context(), updated, existing)
		isChange := len(errs) > 0 || !apiequality.Semantic.DeepEqual(updated.Spec, existing.Spec)

		wanted := given.Spec
		if isHidden {
			wanted.Env = values(wanted.Env, known)
			existing.Spec.Env = known
		}
		if means := !meansTheSame(&wanted, &existing.Spec); means != isChange {
			t.Errorf("%s becomes %s: is a change: %t, is taken for one: %t, errors: %v", before, change, means, isChange, errs)
		}
	})
}

// patched applies a strategic merge patch. The server refuses those that make the code of Kubernetes panic.
func patched(t *testing.T, existing *v1alpha1.ContainerSpec, patch []byte) (spec []byte, ok bool) {
	t.Helper()
	shown, err := json.Marshal(existing)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	spec, err = strategicpatch.StrategicMergePatch(shown, patch, v1alpha1.ContainerSpec{})
	return spec, err == nil
}

// repeats reports whether a variable has several values, which no container of Docker's has.
func repeats(env []v1alpha1.ContainerEnvVar) bool {
	names := map[string]bool{}
	for _, variable := range env {
		names[variable.Name] = true
	}
	return len(names) < len(env)
}

// values returns the variables with the values that clients mean who were shown none.
func values(env, known []v1alpha1.ContainerEnvVar) (meant []v1alpha1.ContainerEnvVar) {
	for _, variable := range env {
		for _, other := range known {
			if other.Name == variable.Name && variable.Value == "" {
				variable.Value = other.Value
			}
		}
		meant = append(meant, variable)
	}
	return meant
}

// meansTheSame reports whether a container that is given the spec stays as it is.
func meansTheSame(given, existing *v1alpha1.ContainerSpec) bool {
	a, b := given.DeepCopy(), existing.DeepCopy()
	if a.State == "" {
		a.State = b.State
	}
	if saysOnlyState(a) {
		return a.State == b.State
	}
	if a.RestartPolicy == nil {
		a.RestartPolicy = &v1alpha1.ContainerRestartPolicy{Name: v1alpha1.ContainerRestartNo}
	}
	a.Resources, b.Resources = withDefaults(a.Resources), withDefaults(b.Resources)
	same := sameItems(a.Env, b.Env) && sameItems(a.Mounts, b.Mounts) && sameItems(a.Ulimits, b.Ulimits) && sameItems(a.Networks, b.Networks) && maps.Equal(a.Labels, b.Labels)
	for _, spec := range []*v1alpha1.ContainerSpec{a, b} {
		spec.Env, spec.Mounts, spec.Ulimits, spec.Networks, spec.Labels = nil, nil, nil, nil, nil
		for i := range spec.Ports {
			spec.Ports[i].Protocol = containers.ProtocolOf(spec.Ports[i])
		}
	}
	return same && apiequality.Semantic.DeepEqual(a, b)
}

// withDefaults returns resources with the limits that Docker sets if they are not given.
func withDefaults(given *v1alpha1.ContainerResources) *v1alpha1.ContainerResources {
	all := ptr.Deref(given, v1alpha1.ContainerResources{})
	if all.Memory != nil && all.MemorySwap == nil {
		all.MemorySwap = resource.NewQuantity(2*all.Memory.Value(), resource.BinarySI)
	}
	all.Pids = new(ptr.Deref(all.Pids, -1))
	return &all
}

// sameItems reports whether two lists have the same items, each of them equally often.
func sameItems[T any](a, b []T) bool {
	count := func(list []T, item T) (n int) {
		for _, other := range list {
			if apiequality.Semantic.DeepEqual(item, other) {
				n++
			}
		}
		return n
	}
	for _, item := range a {
		if count(a, item) != count(b, item) {
			return false
		}
	}
	return len(a) == len(b)
}
