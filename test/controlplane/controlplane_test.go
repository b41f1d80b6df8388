// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"os"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

func TestAControlPlaneServesDeletesNamespacesAndEnds(t *testing.T) {
	c, err := Prepare(ControllerManager())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(c.Dir()); !os.IsNotExist(err) {
			t.Errorf("the directory is left: %v", err)
		}
	}()
	admin, err := Client(c.Admin())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Discovery().ServerVersion(); err == nil {
		t.Fatal("it serves before it was started")
	}
	if err := c.StartAPIServer(); err != nil {
		t.Fatal(err)
	}
	namespaces := admin.CoreV1().Namespaces()
	if _, err := namespaces.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "some"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := c.Kubeconfig("jane", "readers")
	if err != nil {
		t.Fatal(err)
	}
	jane, err := Client(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jane.CoreV1().Namespaces().Get(t.Context(), "some", metav1.GetOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("a user without rights gets %v", err)
	}
	if err := namespaces.Delete(t.Context(), "some", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	err = wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, 2*time.Minute, true, func(ctx context.Context) (bool, error) {
		_, err := namespaces.Get(ctx, "some", metav1.GetOptions{})
		return apierrors.IsNotFound(err), nil
	})
	if err != nil {
		t.Errorf("the namespace is not deleted: %v", err)
	}
}
