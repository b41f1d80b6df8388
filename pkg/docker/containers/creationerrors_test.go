// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"fmt"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/containerd/errdefs"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func TestAnErrorThatNamesItsFieldAlreadyKeepsIt(t *testing.T) {
	wanted := &v1alpha1.Container{Spec: v1alpha1.ContainerSpec{Networks: []v1alpha1.ContainerNetworkAttachment{{Name: "absent"}}}}
	first := invalid(wanted, field.Invalid(specPath.Child("networks").Index(0).Child("name"), "absent", "network absent not found"))
	err := creationError(wanted, fmt.Errorf("changing it: %w", first))
	cause, ok := apierrors.StatusCause(err, metav1.CauseTypeFieldValueInvalid)
	if !apierrors.IsInvalid(err) || !ok || cause.Field != "spec.networks[0].name" {
		t.Errorf("%+v: %v", cause, err)
	}
}

func TestAMountedImageThatIsNotThereIsNamed(t *testing.T) {
	wanted := &v1alpha1.Container{Spec: v1alpha1.ContainerSpec{Image: "nginx", Mounts: []v1alpha1.ContainerMount{
		{Type: v1alpha1.ContainerMountTmpfs, Target: "/tmp"}, {Type: v1alpha1.ContainerMountImage, Source: "tools:latest", Target: "/tools"},
		{Type: v1alpha1.ContainerMountImage, Source: "docker.io/library/short", Target: "/short"},
		{Type: v1alpha1.ContainerMountImage, Source: "nginx:latest", Target: "/own"},
	}}}
	for words, want := range map[string]string{"No such image: tools:latest": "spec.mounts[1].source", "No such image: short:latest": "spec.mounts[2].source",
		"No such image: nginx:latest": "spec.image"} {
		err := creationError(wanted, errdefs.ErrNotFound.WithMessage(words))
		if cause, ok := apierrors.StatusCause(err, metav1.CauseTypeFieldValueNotFound); !ok || cause.Field != want {
			t.Errorf("%s: %v", words, err)
		}
	}
}

func TestARefusalForASharedNamespaceNamesTheFirstFieldThatNamesTheContainer(t *testing.T) {
	wanted := &v1alpha1.Container{Spec: v1alpha1.ContainerSpec{NetworkMode: "container:web", PIDMode: "host", IPCMode: "container:web"}}
	for range 20 {
		if got := faultOf(wanted, "No such container: web").String(); got != "spec.networkMode" {
			t.Fatalf("the field is %s", got)
		}
	}
}
