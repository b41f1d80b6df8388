// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package clients holds clients that read and watch as users' programs do, and that record everything they see.
package clients

import (
	"context"
	"math/rand/v2"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"

	typed "github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned/typed/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

// Server is a server that may be killed and started again, at the same address.
type Server struct {
	API       typed.ContainersV1alpha1Interface
	Namespace string
	// Run returns the number of the server's current run.
	Run func() int
}

// Client is one client. Each of its methods reads until its context ends.
type Client struct {
	Server
	Name     string
	Recorder *history.Recorder
	Random   *rand.Rand
}

// Resources are the resources that the clients read.
var Resources = []string{"containers", "images", "volumes", "networks"}

func (s *Server) list(ctx context.Context, resource string, options metav1.ListOptions) (runtime.Object, error) {
	switch resource {
	case "containers":
		return s.API.Containers(s.Namespace).List(ctx, options)
	case "images":
		return s.API.Images(s.Namespace).List(ctx, options)
	case "networks":
		return s.API.Networks(s.Namespace).List(ctx, options)
	default:
		return s.API.Volumes(s.Namespace).List(ctx, options)
	}
}

func (s *Server) watch(ctx context.Context, resource string, options metav1.ListOptions) (watch.Interface, error) {
	switch resource {
	case "containers":
		return s.API.Containers(s.Namespace).Watch(ctx, options)
	case "images":
		return s.API.Images(s.Namespace).Watch(ctx, options)
	case "networks":
		return s.API.Networks(s.Namespace).Watch(ctx, options)
	default:
		return s.API.Volumes(s.Namespace).Watch(ctx, options)
	}
}

func (s *Server) get(ctx context.Context, resource, name string) (runtime.Object, error) {
	switch resource {
	case "containers":
		return s.API.Containers(s.Namespace).Get(ctx, name, metav1.GetOptions{})
	case "images":
		return s.API.Images(s.Namespace).Get(ctx, name, metav1.GetOptions{})
	case "networks":
		return s.API.Networks(s.Namespace).Get(ctx, name, metav1.GetOptions{})
	default:
		return s.API.Volumes(s.Namespace).Get(ctx, name, metav1.GetOptions{})
	}
}
