// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func TestStatusAndConditionsAreOfTheGenerationOfTheObject(t *testing.T) {
	conditions := func() []metav1.Condition { return []metav1.Condition{{Type: "A"}, {Type: "B"}} }
	container := &v1alpha1.Container{Status: v1alpha1.ContainerStatus{Conditions: conditions()}}
	image := &v1alpha1.Image{Status: v1alpha1.ImageStatus{Conditions: conditions()}}
	engine := &v1alpha1.Engine{Status: v1alpha1.EngineStatus{Conditions: conditions()}}
	volume, namespace := &v1alpha1.Volume{}, &v1alpha1.ContainerNamespace{}
	for _, object := range []runtime.Object{container, image, engine, volume, namespace} {
		SetGeneration(object, 7)
		SetGeneration(object, 7)
		if generation := object.(metav1.Object).GetGeneration(); generation != 7 {
			t.Errorf("%T has generation %d", object, generation)
		}
	}
	if container.Status.ObservedGeneration != 7 || engine.Status.ObservedGeneration != 7 {
		t.Errorf("observed are %d and %d", container.Status.ObservedGeneration, engine.Status.ObservedGeneration)
	}
	for _, conditions := range [][]metav1.Condition{container.Status.Conditions, image.Status.Conditions, engine.Status.Conditions} {
		for _, c := range conditions {
			if c.ObservedGeneration != 7 {
				t.Errorf("%+v", c)
			}
		}
	}
}

func TestAnotherGenerationLeavesObjectsWithTheSameConditionsAlone(t *testing.T) {
	first := &v1alpha1.Container{Status: v1alpha1.ContainerStatus{Conditions: []metav1.Condition{{Type: "A"}}}}
	SetGeneration(first, 1)
	second := *first
	SetGeneration(&second, 2)
	if first.Status.Conditions[0].ObservedGeneration != 1 || second.Status.Conditions[0].ObservedGeneration != 2 {
		t.Errorf("%+v and %+v", first.Status, second.Status)
	}
}

func TestOnlyAChangeOfSpecOrADeletionChangesTheGeneration(t *testing.T) {
	now := metav1.Now()
	container := func(change func(*v1alpha1.Container)) *v1alpha1.Container {
		c := &v1alpha1.Container{Spec: v1alpha1.ContainerSpec{State: "running"}}
		change(c)
		return c
	}
	asIs := container(func(*v1alpha1.Container) {})
	for what, test := range map[string]struct {
		old, updated runtime.Object
		want         bool
	}{
		"nothing":           {asIs, container(func(*v1alpha1.Container) {}), false},
		"status":            {asIs, container(func(c *v1alpha1.Container) { c.Status.PID = 1 }), false},
		"metadata":          {asIs, container(func(c *v1alpha1.Container) { c.Annotations = map[string]string{"a": "b"} }), false},
		"state":             {asIs, container(func(c *v1alpha1.Container) { c.Spec.State = "paused" }), true},
		"deletion":          {asIs, container(func(c *v1alpha1.Container) { c.DeletionTimestamp = &now }), true},
		"deletion failed":   {container(func(c *v1alpha1.Container) { c.DeletionTimestamp = &now }), asIs, true},
		"status of images":  {&v1alpha1.Image{}, &v1alpha1.Image{Status: v1alpha1.ImageStatus{Size: 1}}, false},
		"status of volumes": {&v1alpha1.Volume{}, &v1alpha1.Volume{Status: v1alpha1.VolumeStatus{Driver: "x"}}, false},
		"network's status":  {&v1alpha1.Network{}, &v1alpha1.Network{Status: v1alpha1.NetworkStatus{Scope: "x"}}, false},
		"network's spec":    {&v1alpha1.Network{}, &v1alpha1.Network{Spec: v1alpha1.NetworkSpec{Driver: "x"}}, true},
	} {
		if got := SpecChanged(test.old, test.updated); got != test.want {
			t.Errorf("%s: %t", what, got)
		}
	}
}
