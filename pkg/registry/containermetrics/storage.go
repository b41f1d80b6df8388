// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package containermetrics is the REST storage of ContainerMetrics.
package containermetrics

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/stats"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

// metrics are the REST storage of ContainerMetrics.
type metrics struct {
	*registry.Reader
	containers rest.Getter
}

// NewStorage returns the REST storage of ContainerMetrics over the objects. containers are the containers that they are of.
func NewStorage(scheme *runtime.Scheme, objects *registry.Namespaced, containers rest.Getter) (rest.Storage, error) {
	reader, err := registry.NewReader(registry.Resource{
		Name:           stats.Resource,
		SingularName:   stats.Resource,
		NoCategory:     true,
		NewFunc:        func() runtime.Object { return &v1alpha1.ContainerMetrics{} },
		NewListFunc:    func() runtime.Object { return &v1alpha1.ContainerMetricsList{} },
		Strategy:       registry.Strategy{ObjectTyper: scheme},
		TableConvertor: table,
	}, scheme, objects)
	return &metrics{reader, containers}, err
}

// Get implements rest.Getter. If the container is there, the error says why it has no metrics.
func (m *metrics) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	found, err := m.Reader.Get(ctx, name, options)
	if !apierrors.IsNotFound(err) {
		return found, err
	}
	known, knownErr := m.containers.Get(ctx, name, &metav1.GetOptions{ResourceVersion: "0"})
	if knownErr != nil {
		return nil, err
	}
	without := apierrors.NewNotFound(v1alpha1.Resource(stats.Resource), name)
	without.ErrStatus.Message += fmt.Sprintf(": the container is %s, and only containers that run have metrics", registry.Ordinary(known).(*v1alpha1.Container).Status.Status)
	return nil, without
}
