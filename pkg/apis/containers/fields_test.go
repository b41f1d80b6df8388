// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

var selectable = map[string][]string{
	"Container": {"metadata.name", "metadata.namespace", "spec.state", "status.id", "status.image", "status.name",
		"status.namespace", "status.status"},
	"Image":              {"metadata.name", "metadata.namespace", "status.dangling", "status.id", "status.inUse", "status.namespace", "status.repoTag"},
	"Volume":             {"metadata.name", "metadata.namespace", "status.anonymous", "status.driver", "status.inUse", "status.name", "status.namespace"},
	"Network":            {"metadata.name", "metadata.namespace", "status.driver", "status.id", "status.namespace"},
	"ImagePullRequest":   {"metadata.name", "metadata.namespace"},
	"ImagePushRequest":   {"metadata.name", "metadata.namespace"},
	"ContainerNamespace": {"metadata.name", "metadata.namespace"},
	"Engine":             {"metadata.name", "metadata.namespace"},
	"ContainerMetrics":   {"metadata.name", "metadata.namespace"},
}

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	Install(scheme)
	return scheme
}

func TestObjectsAreSelectedByTheFieldsOfTheContract(t *testing.T) {
	for kind, want := range selectable {
		_, fields, err := Attrs(kinds[kind])
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Sorted(maps.Keys(fields)); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
	}
}

func TestASelectableFieldHasTheObjectsValue(t *testing.T) {
	container := &v1alpha1.Container{
		Spec:   v1alpha1.ContainerSpec{State: v1alpha1.ContainerStatePaused},
		Status: v1alpha1.ContainerStatus{ID: "1", Name: "2", Namespace: "3", Image: "4", Status: v1alpha1.ContainerDockerStatusPaused},
	}
	container.Name, container.Namespace, container.Labels = "5", "6", map[string]string{"a": "b"}
	labels, fields, err := Attrs(container)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"metadata.name": "5", "metadata.namespace": "6", "spec.state": "paused", "status.id": "1",
		"status.image": "4", "status.name": "2", "status.namespace": "3", "status.status": "paused"}
	if !maps.Equal(fields, want) {
		t.Errorf("fields %v, want %v", fields, want)
	}
	if labels["a"] != "b" {
		t.Errorf("labels %v", labels)
	}
}

func TestASelectorOfAnotherFieldIsAnErrorThatListsThem(t *testing.T) {
	scheme := newScheme()
	for kind, known := range selectable {
		gvk := v1alpha1.SchemeGroupVersion.WithKind(kind)
		for _, label := range known {
			if got, value, err := scheme.ConvertFieldLabel(gvk, label, "x"); err != nil || got != label || value != "x" {
				t.Errorf("%s %s: %q %q %v", kind, label, got, value, err)
			}
		}
		for _, label := range []string{"status.pid", "spec.nodeName", "", "metadata.uid"} {
			_, _, err := scheme.ConvertFieldLabel(gvk, label, "x")
			if err == nil || !strings.Contains(err.Error(), strings.Join(known, ", ")) {
				t.Errorf("%s %q: %v", kind, label, err)
			}
		}
	}
}

func TestTheTypesAreTheirOwnInternalVersion(t *testing.T) {
	scheme := newScheme()
	for _, object := range v1alpha1.KnownTypes() {
		gvks, _, err := scheme.ObjectKinds(object)
		if err != nil {
			t.Fatal(err)
		}
		var versions []string
		for _, gvk := range gvks {
			versions = append(versions, gvk.Version)
		}
		slices.Sort(versions)
		if !slices.Equal(versions, []string{runtime.APIVersionInternal, "v1alpha1"}) {
			t.Errorf("%T has the versions %q", object, versions)
		}
	}
}

func TestAnObjectAnswersToItsIDs(t *testing.T) {
	hex := strings.Repeat("0123456789abcdef", 4)
	tagged := &v1alpha1.Image{Status: v1alpha1.ImageStatus{ID: "sha256:" + hex}}
	tagged.Name = "busybox:latest"
	dangling := tagged.DeepCopy()
	dangling.Name = dangling.Status.ID
	for _, test := range []struct {
		object runtime.Object
		want   []string
	}{
		{&v1alpha1.Container{Status: v1alpha1.ContainerStatus{ID: hex}}, []string{hex, hex[:12]}},
		{tagged, []string{hex, hex[:12], "sha256:" + hex}},
		{dangling, []string{hex, hex[:12]}},
		{&v1alpha1.Network{Status: v1alpha1.NetworkStatus{ID: hex}}, []string{hex, hex[:12]}},
		{&v1alpha1.Network{Status: v1alpha1.NetworkStatus{ID: "t5ch4nazcpwvtm2rqm0edgbyd"}}, []string{"t5ch4nazcpwvtm2rqm0edgbyd", "t5ch4nazcpwv"}},
		{&v1alpha1.ContainerMetrics{ID: hex}, []string{hex, hex[:12]}},
		{&v1alpha1.Volume{}, nil},
		{&v1alpha1.Container{}, nil},
	} {
		name, err := meta.NewAccessor().Name(test.object)
		if err != nil {
			t.Fatal(err)
		}
		if got := IDs(test.object); !slices.Equal(got, test.want) {
			t.Errorf("%T %q: %q, want %q", test.object, name, got, test.want)
		}
	}
}
