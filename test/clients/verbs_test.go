// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package clients_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	applyv1alpha1 "github.com/rancher-sandbox/engine-apiserver/pkg/generated/applyconfiguration/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// reader has the methods that the generated clients of all kinds have.
type reader[T, L runtime.Object] interface {
	Get(context.Context, string, metav1.GetOptions) (T, error)
	List(context.Context, metav1.ListOptions) (L, error)
	Watch(context.Context, metav1.ListOptions) (watch.Interface, error)
}

// deleter has the methods of the generated clients of the kinds whose objects can be deleted.
type deleter[T, L runtime.Object] interface {
	reader[T, L]
	Delete(context.Context, string, metav1.DeleteOptions) error
	DeleteCollection(context.Context, metav1.DeleteOptions, metav1.ListOptions) error
}

func namesIn(t *testing.T, list runtime.Object) []string {
	t.Helper()
	var names []string
	err := meta.EachListItem(list, func(object runtime.Object) error {
		names = append(names, object.(metav1.Object).GetName())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// requireReads reads the object with that name by get, list and watch. Each of the selectors must match only this object.
func requireReads[T, L runtime.Object](t *testing.T, client reader[T, L], name string, selectors ...metav1.ListOptions) {
	t.Helper()
	got, err := client.Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if any(got).(metav1.Object).GetName() != name {
		t.Errorf("get of %s returned %v", name, got)
	}
	if _, err := client.Get(t.Context(), "absent", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("get of an absent object: %v", err)
	}
	all, err := client.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	names := namesIn(t, all)
	if !slices.Contains(names, name) {
		t.Errorf("list %q, without %s", names, name)
	}
	var paged []string
	for next := (metav1.ListOptions{Limit: 1}); ; {
		page, err := client.List(t.Context(), next)
		if err != nil {
			t.Fatal(err)
		}
		paged = append(paged, namesIn(t, page)...)
		if next.Continue = any(page).(metav1.ListInterface).GetContinue(); next.Continue == "" {
			break
		}
	}
	if !slices.Equal(paged, names) {
		t.Errorf("pages with one object each show %q, a list shows %q", paged, names)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	selectors = append(selectors, metav1.ListOptions{FieldSelector: "metadata.name=" + name})
	for _, selector := range selectors {
		listed, err := client.List(t.Context(), selector)
		if err != nil {
			t.Fatal(err)
		}
		if got := namesIn(t, listed); !slices.Equal(got, []string{name}) {
			t.Errorf("list with %v: %q, want %s", selector, got, name)
		}
		watcher, err := client.Watch(ctx, selector)
		if err != nil {
			t.Fatal(err)
		}
		event := <-watcher.ResultChan()
		watcher.Stop()
		if m, ok := event.Object.(metav1.Object); !ok || event.Type != watch.Added || m.GetName() != name {
			t.Errorf("watch with %v: %v, want %s", selector, event, name)
		}
	}
}

// requireDeletes deletes one object by its name, and two others by the selector. All other objects must stay.
func requireDeletes[T, L runtime.Object](t *testing.T, client deleter[T, L], name string, others [2]string, selector metav1.ListOptions) {
	t.Helper()
	if err := client.Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := client.Delete(t.Context(), name, metav1.DeleteOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("second delete: %v", err)
	}
	all, err := client.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, kept := range namesIn(t, all) {
		if !slices.Contains(others[:], kept) {
			want = append(want, kept)
		}
	}
	if err := client.DeleteCollection(t.Context(), metav1.DeleteOptions{}, selector); err != nil {
		t.Fatal(err)
	}
	if all, err = client.List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := namesIn(t, all); !slices.Equal(got, want) || len(want) == 0 {
		t.Errorf("after the deletion of the collection: %q, want %q", got, want)
	}
}

func TestGeneratedContainerClient(t *testing.T) {
	server := testserver.Start(t, eng.Host())
	client := newClient(t, server.Config(t)).Containers(testserver.Namespace)
	eng.Create(t, engine.UniqueName("other"))
	name, others := engine.UniqueName("one"), [2]string{engine.UniqueName("two"), engine.UniqueName("three")}
	id := eng.Create(t, name, engine.Labels(map[string]string{"number": name}))
	for _, other := range others {
		eng.Create(t, other, engine.Labels(map[string]string{"among": "others"}))
	}
	requireReads(t, client, name, metav1.ListOptions{LabelSelector: "number=" + name}, metav1.ListOptions{FieldSelector: "status.id=" + id})

	requireState := func(how string, got *v1alpha1.Container, err error, want v1alpha1.ContainerState) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		inspected, err := eng.Client().ContainerInspect(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if got.Spec.State != want || string(got.Status.Status) != inspected.State.Status {
			t.Errorf("%s: state %s (%s), want %s; Docker says %s", how, got.Spec.State, got.Status.Status, want, inspected.State.Status)
		}
	}
	got, err := client.Patch(t.Context(), name, types.MergePatchType, []byte(`{"spec":{"state":"running"}}`), metav1.PatchOptions{})
	requireState("merge patch", got, err, v1alpha1.ContainerStateRunning)
	got, err = client.Apply(t.Context(), applyv1alpha1.Container(name, testserver.Namespace).
		WithSpec(applyv1alpha1.ContainerSpec().WithState(v1alpha1.ContainerStatePaused)), metav1.ApplyOptions{FieldManager: "test"})
	requireState("apply", got, err, v1alpha1.ContainerStatePaused)
	got.Spec.State = v1alpha1.ContainerStateRunning
	got, err = client.Update(t.Context(), got, metav1.UpdateOptions{})
	requireState("update", got, err, v1alpha1.ContainerStateRunning)
	got, err = client.Patch(t.Context(), name, types.JSONPatchType, []byte(`[{"op":"replace","path":"/spec/state","value":"created"}]`), metav1.PatchOptions{})
	requireState("JSON patch", got, err, v1alpha1.ContainerStateCreated)

	requireDeletes(t, client, name, others, metav1.ListOptions{LabelSelector: "among=others"})
}

func TestGeneratedImageClient(t *testing.T) {
	server := testserver.Start(t, eng.Host())
	client := newClient(t, server.Config(t)).Images(testserver.Namespace)
	ref := func() (ref, name string) {
		ref = engine.UniqueName("localhost:5000/an/image") + ":v1"
		return ref, strings.ReplaceAll(ref, "/", "~")
	}
	one, name := ref()
	two, nameOfTwo := ref()
	three, nameOfThree := ref()
	eng.Image(t, one)
	id := eng.Image(t, two)
	eng.Tag(t, id, three)
	requireReads(t, client, name, metav1.ListOptions{FieldSelector: "status.repoTag=" + one})
	requireDeletes(t, client, name, [2]string{nameOfTwo, nameOfThree}, metav1.ListOptions{FieldSelector: "status.id=" + id})
}

func TestGeneratedVolumeClient(t *testing.T) {
	server := testserver.Start(t, eng.Host())
	client := newClient(t, server.Config(t)).Volumes(testserver.Namespace)
	eng.Volume(t, engine.UniqueName("other"), nil)
	name, others := engine.UniqueName("one"), [2]string{engine.UniqueName("two"), engine.UniqueName("three")}
	eng.Volume(t, name, map[string]string{"number": name})
	for _, other := range others {
		eng.Volume(t, other, map[string]string{"among": "others"})
	}
	requireReads(t, client, name, metav1.ListOptions{LabelSelector: "number=" + name}, metav1.ListOptions{FieldSelector: "status.name=" + name})
	requireDeletes(t, client, name, others, metav1.ListOptions{LabelSelector: "among=others"})
}

func TestGeneratedNetworkClient(t *testing.T) {
	server := testserver.Start(t, eng.Host())
	client := newClient(t, server.Config(t)).Networks(testserver.Namespace)
	name, others := engine.UniqueName("one"), [2]string{engine.UniqueName("two"), engine.UniqueName("three")}
	id := eng.Network(t, name, map[string]string{"number": name})
	for _, other := range others {
		eng.Network(t, other, map[string]string{"among": "others"})
	}
	requireReads(t, client, name, metav1.ListOptions{LabelSelector: "number=" + name}, metav1.ListOptions{FieldSelector: "status.id=" + id})
	requireDeletes(t, client, name, others, metav1.ListOptions{LabelSelector: "among=others"})
}

func TestGeneratedContainerNamespaceClient(t *testing.T) {
	server := testserver.Start(t, eng.Host())
	requireReads(t, newClient(t, server.Config(t)).ContainerNamespaces(testserver.Namespace), "moby")
}

func TestGeneratedEngineClient(t *testing.T) {
	server := testserver.Start(t, eng.Host())
	requireReads(t, newClient(t, server.Config(t)).Engines(testserver.Namespace), "moby")
}
