// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func TestHiddenVariablesHaveOnlyNames(t *testing.T) {
	env := []v1alpha1.ContainerEnvVar{{Name: "A", Value: "secret"}, {Name: "B"}}
	if diff := cmp.Diff([]v1alpha1.ContainerEnvVar{{Name: "A"}, {Name: "B"}}, HideValues(env)); diff != "" {
		t.Error(diff)
	}
	if env[0].Value != "secret" || HideValues(nil) != nil {
		t.Error("the variables themselves were changed, or some were made of none")
	}
}

func TestAKnownValueIsNoChangeOfAHiddenVariable(t *testing.T) {
	known := []v1alpha1.ContainerEnvVar{{Name: "A", Value: "secret"}, {Name: "B", Value: "other"}}
	given := []v1alpha1.ContainerEnvVar{{Name: "B", Value: "changed"}, {Name: "A", Value: "secret"}, {Name: "C", Value: "new"}}
	want := []v1alpha1.ContainerEnvVar{{Name: "B", Value: "changed"}, {Name: "A"}, {Name: "C", Value: "new"}}
	if diff := cmp.Diff(want, HideKnownValues(given, known)); diff != "" {
		t.Error(diff)
	}
}

func TestWhatWasAppliedLastHasNoHiddenValues(t *testing.T) {
	for _, test := range []struct{ applied, want string }{
		{`{"spec":{"env":[{"name":"A","value":"secret"}],"image":"busybox"}}`, `{"spec":{"env":[{"name":"A"}],"image":"busybox"}}` + "\n"},
		{`{"spec":{"env":{"A":"secret"},"image":"busybox"}}`, `{"spec":{"image":"busybox"}}` + "\n"},
		{`{"spec":{"env":["A=secret"],"image":"busybox"}}`, `{"spec":{"image":"busybox"}}` + "\n"},
		{`{"spec":{"image":"busybox"}}`, `{"spec":{"image":"busybox"}}` + "\n"},
		{`secret`, ""},
	} {
		c := &v1alpha1.Container{}
		c.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: test.applied}
		HideAppliedValues(c)
		if got := c.Annotations[corev1.LastAppliedConfigAnnotation]; got != test.want {
			t.Errorf("%s becomes %q, want %q", test.applied, got, test.want)
		}
	}
	HideAppliedValues(&v1alpha1.Container{})
}
