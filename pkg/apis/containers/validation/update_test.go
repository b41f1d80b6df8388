// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func TestWhatCanBeChangedOfAContainer(t *testing.T) {
	annotate := func(key, value string) func(*v1alpha1.Container) {
		return func(c *v1alpha1.Container) { metav1.SetMetaDataAnnotation(&c.ObjectMeta, key, value) }
	}
	state := func(state v1alpha1.ContainerState) func(*v1alpha1.Container) {
		return func(c *v1alpha1.Container) { c.Spec.State = state }
	}
	tests := []struct {
		change string
		do     []func(*v1alpha1.Container)
		want   []string // parts of the expected errors; none if the change is valid
	}{
		{"nothing", nil, nil},
		{"paused", []func(*v1alpha1.Container){state("paused")}, nil},
		{"created", []func(*v1alpha1.Container){state("created")}, nil},
		{"unknown", []func(*v1alpha1.Container){state("unknown")}, []string{`spec.state: Unsupported value: "unknown": supported values: "running", "paused", "created"`}},
		{"bogus", []func(*v1alpha1.Container){state("bogus")}, []string{"spec.state: Unsupported value"}},
		{"last applied", []func(*v1alpha1.Container){annotate(corev1.LastAppliedConfigAnnotation, "{}")}, nil},
		{"action", []func(*v1alpha1.Container){annotate(v1alpha1.ActionAnnotation, "restart")}, nil},
		{"unknown action", []func(*v1alpha1.Container){annotate(v1alpha1.ActionAnnotation, "fly")},
			[]string{`metadata.annotations[containers.rancherdesktop.io/action]: Unsupported value: "fly": supported values: "start", "stop", "pause", "unpause", "restart"`}},
		{"delete as an action", []func(*v1alpha1.Container){annotate(v1alpha1.ActionAnnotation, "delete")}, []string{"Unsupported value"}},
		{"stop timeout", []func(*v1alpha1.Container){annotate(v1alpha1.ActionAnnotation, "stop"), annotate(v1alpha1.StopTimeoutAnnotation, "0")}, nil},
		{"restart timeout", []func(*v1alpha1.Container){annotate(v1alpha1.ActionAnnotation, "restart"), annotate(v1alpha1.StopTimeoutAnnotation, "600")}, nil},
		{"timeout without action", []func(*v1alpha1.Container){annotate(v1alpha1.StopTimeoutAnnotation, "1")}, []string{"stop-timeout-seconds]: Forbidden: only the actions stop and restart"}},
		{"timeout of a start", []func(*v1alpha1.Container){annotate(v1alpha1.ActionAnnotation, "start"), annotate(v1alpha1.StopTimeoutAnnotation, "1")}, []string{"Forbidden: only the actions stop and restart"}},
		{"endless timeout", []func(*v1alpha1.Container){annotate(v1alpha1.ActionAnnotation, "stop"), annotate(v1alpha1.StopTimeoutAnnotation, "-1")}, []string{`Invalid value: "-1": must be a number of seconds from 0 to 600`}},
		{"long timeout", []func(*v1alpha1.Container){annotate(v1alpha1.ActionAnnotation, "stop"), annotate(v1alpha1.StopTimeoutAnnotation, "601")}, []string{"from 0 to 600"}},
		{"timeout in minutes", []func(*v1alpha1.Container){annotate(v1alpha1.ActionAnnotation, "stop"), annotate(v1alpha1.StopTimeoutAnnotation, "1m")}, []string{"from 0 to 600"}},
		{"action and state", []func(*v1alpha1.Container){annotate(v1alpha1.ActionAnnotation, "stop"), state("created")}, []string{"not both"}},
		{"annotation", []func(*v1alpha1.Container){annotate("a", "b")}, []string{"metadata.annotations: Forbidden", "Docker cannot store"}},
		{"label", []func(*v1alpha1.Container){func(c *v1alpha1.Container) { c.Labels["new"] = "x" }}, []string{"metadata.labels: Forbidden", "Docker cannot store"}},
		{"label gone", []func(*v1alpha1.Container){func(c *v1alpha1.Container) { c.Labels = nil }}, []string{"metadata.labels"}},
		{"finalizer", []func(*v1alpha1.Container){func(c *v1alpha1.Container) { c.Finalizers = []string{"a/b"} }}, []string{"metadata.finalizers"}},
		{"owner", []func(*v1alpha1.Container){func(c *v1alpha1.Container) { c.OwnerReferences = []metav1.OwnerReference{{Name: "x"}} }}, []string{"metadata.ownerReferences"}},
	}
	for _, test := range tests {
		t.Run(test.change, func(t *testing.T) {
			old := &v1alpha1.Container{Spec: v1alpha1.ContainerSpec{State: v1alpha1.ContainerStateRunning}}
			old.Labels = map[string]string{"a": "b"}
			updated := old.DeepCopy()
			for _, do := range test.do {
				do(updated)
			}
			errs := ValidateContainerUpdate(updated, old).ToAggregate()
			if len(test.want) == 0 && errs != nil {
				t.Fatalf("refused: %v", errs)
			}
			for _, part := range test.want {
				if errs == nil || !strings.Contains(errs.Error(), part) {
					t.Errorf("the errors are %v, want %q", errs, part)
				}
			}
		})
	}
}

func TestAStateThatIsThereMayBeSentBack(t *testing.T) {
	unknown := &v1alpha1.Container{Spec: v1alpha1.ContainerSpec{State: v1alpha1.ContainerStateUnknown}}
	if errs := ValidateContainerUpdate(unknown, unknown); len(errs) > 0 {
		t.Error(errs)
	}
}
