// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"cmp"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	apiequality "k8s.io/apimachinery/pkg/api/equality"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/validation"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/specs"
)

// shown returns what the API shows of a container that was made of the spec, and that does not run.
func shown(given *v1alpha1.ContainerSpec) *v1alpha1.ContainerSpec {
	spec := given.DeepCopy()
	spec.State = v1alpha1.ContainerStateCreated
	if spec.RestartPolicy == nil {
		spec.RestartPolicy = &v1alpha1.ContainerRestartPolicy{Name: v1alpha1.ContainerRestartNo}
	}
	return spec
}

// checkRoundTrip makes a container of a spec and compares what it shows with the spec. before is what was given.
func (r *real) checkRoundTrip(t *testing.T, name string, given *v1alpha1.ContainerSpec) {
	t.Helper()
	c := &v1alpha1.Container{Spec: *given.DeepCopy()}
	c.Name = engine.UniqueName("made")
	if errs := validation.ValidateContainerCreate(c); len(errs) > 0 {
		t.Fatalf("%s: %s is invalid: %v", name, textOf(t, given), errs)
	}
	id, err := r.create(t, c)
	if err != nil {
		t.Errorf("%s: creating a container of %s: %v", name, textOf(t, given), err)
		return
	}
	if diff := gocmp.Diff(textOf(t, shown(given)), textOf(t, &r.read(t, id).Spec)); diff != "" {
		t.Errorf("%s: the spec was given (-) and is shown (+):\n%s", name, diff)
	}
	r.remove(t, id)
}

func TestASpecThatWasGivenIsReadBack(t *testing.T) {
	r, random := connect(t), specs.NewRandom(t)
	for _, image := range []string{engine.Busybox, r.richImage(t, "rich:latest")} {
		w := specs.NewWorld(t, r.engine, image)
		for _, field := range w.Fields() {
			for range 2 {
				r.checkRoundTrip(t, image+": "+field.Name, w.Make(random, field))
			}
		}
		for _, pair := range w.Pairs(random, 60) {
			r.checkRoundTrip(t, image+": "+pair[0].Name+" and "+pair[1].Name, w.Make(random, pair[0], pair[1]))
		}
		for range 15 {
			r.checkRoundTrip(t, image+": all", w.All(random))
		}
	}
}

func TestASpecThatWasUpdatedIsReadBack(t *testing.T) {
	r, random := connect(t), specs.NewRandom(t)
	w := specs.NewWorld(t, r.engine, engine.Busybox)
	for range 25 {
		spec := w.All(random)
		for i := range spec.Networks {
			spec.Networks[i].MACAddress = "" // an update gives none either
		}
		id := r.make(t, spec)
		for range 3 {
			before := r.read(t, id)
			after := before.DeepCopy()
			w.Update(random, &after.Spec)
			if errs := validation.ValidateContainerUpdate(after, before); len(errs) > 0 {
				continue
			}
			if err := r.Update(t.Context(), id, before, after); err != nil {
				t.Errorf("updating a container of %s to %s: %v", textOf(t, &before.Spec), textOf(t, &after.Spec), err)
				break
			}
			got := r.read(t, id)
			for _, c := range []*v1alpha1.Container{after, got} {
				if r := c.Spec.Resources; r != nil && r.Memory != nil && r.MemorySwap != nil && r.MemorySwap.Value() == 2*r.Memory.Value() {
					r.MemorySwap = nil // it means the same
				}
				slices.SortFunc(c.Spec.Networks, func(a, b v1alpha1.ContainerNetworkAttachment) int { return cmp.Compare(a.Name, b.Name) })
			}
			if diff := gocmp.Diff(textOf(t, &after.Spec), textOf(t, &got.Spec)); diff != "" && !apiequality.Semantic.DeepEqual(after.Spec, got.Spec) {
				t.Errorf("a container of %s was updated (-) and is shown (+):\n%s", textOf(t, &before.Spec), diff)
			}
		}
		r.remove(t, id)
	}
}

func TestAllFieldsOfASpecAreTried(t *testing.T) {
	seen := map[string]bool{}
	w := specs.World{Image: "image", Networks: []specs.Network{{Name: "a"}, {Name: "b"}}, Container: "peer", Dir: "/dir", Volume: "volume", API: "1.51"}
	random := specs.NewRandom(t)
	for range 200 {
		for _, field := range w.Fields() {
			text, err := json.Marshal(w.Make(random, field))
			dockertest.Must(t, err)
			var fields map[string]any
			dockertest.Must(t, json.Unmarshal(text, &fields))
			for name := range fields {
				seen[name] = true
			}
		}
	}
	for _, name := range jsonNames[v1alpha1.ContainerSpec]() {
		if !seen[name] && name != "platform" {
			t.Errorf("no spec has the field %s", name)
		}
	}
}

// jsonNames returns the names of a struct's fields in JSON.
func jsonNames[T any]() (names []string) {
	for field := range reflect.TypeFor[T]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}
