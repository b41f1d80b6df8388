// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package clients_test follows a Docker Engine through the server, with the clients that Go programs use.
package clients_test

import (
	"context"
	"os"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned"
	typed "github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned/typed/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

var eng *engine.Engine

func TestMain(m *testing.M) { os.Exit(engine.Main(withInformer031{m}, &eng)) }

var resources = []string{"containers", "images", "volumes", "networks"}

func newClient(t testing.TB, config *rest.Config) typed.ContainersV1alpha1Interface {
	t.Helper()
	clients, err := versioned.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return clients.ContainersV1alpha1()
}

// list returns a live list of a resource.
func list(ctx context.Context, client typed.ContainersV1alpha1Interface, resource string) (runtime.Object, error) {
	switch resource {
	case "containers":
		return client.Containers(testserver.Namespace).List(ctx, metav1.ListOptions{})
	case "images":
		return client.Images(testserver.Namespace).List(ctx, metav1.ListOptions{})
	case "networks":
		return client.Networks(testserver.Namespace).List(ctx, metav1.ListOptions{})
	default:
		return client.Volumes(testserver.Namespace).List(ctx, metav1.ListOptions{})
	}
}

// live returns the objects of a live list by name.
func live(ctx context.Context, client typed.ContainersV1alpha1Interface, resource string) (map[string]runtime.Object, error) {
	listed, err := list(ctx, client, resource)
	if err != nil {
		return nil, err
	}
	items, err := meta.ExtractList(listed)
	return byName(items), err
}

func byName(objects []runtime.Object) map[string]runtime.Object {
	named := make(map[string]runtime.Object, len(objects))
	for _, object := range objects {
		named[object.(metav1.Object).GetName()] = object
	}
	return named
}

// eventually polls until problem returns an empty text. If that takes too long, it fails with the last text.
func eventually(t testing.TB, problem func() string) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	for tick := time.Tick(5 * time.Millisecond); ; {
		last := problem()
		if last == "" {
			return
		}
		select {
		case <-deadline:
			t.Fatal(last)
		case <-tick:
		}
	}
}
