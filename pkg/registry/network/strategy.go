// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"cmp"
	"context"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

type strategy struct{ registry.CreatableStrategy }

var (
	_ rest.RESTCreateStrategy = strategy{}
	_ rest.RESTUpdateStrategy = strategy{}
)

// PrepareForCreate implements rest.RESTCreateStrategy.
func (strategy) PrepareForCreate(_ context.Context, obj runtime.Object) {
	network := obj.(*v1alpha1.Network)
	network.Status = v1alpha1.NetworkStatus{}
	network.ManagedFields = nil
	network.Spec.Driver = cmp.Or(network.Spec.Driver, v1alpha1.DefaultNetworkDriver)
	network.Spec.IPAM.Driver = cmp.Or(network.Spec.IPAM.Driver, v1alpha1.DefaultIPAMDriver)
}

// Validate implements rest.RESTCreateStrategy.
func (strategy) Validate(_ context.Context, obj runtime.Object) field.ErrorList {
	network := obj.(*v1alpha1.Network)
	return append(registry.ValidateNewName(network.Name), containers.ValidateNetworkCreate(network)...)
}

// WarningsOnCreate implements rest.RESTCreateStrategy.
func (s strategy) WarningsOnCreate(ctx context.Context, obj runtime.Object) []string {
	return append(s.CreatableStrategy.WarningsOnCreate(ctx, obj), registry.WarnOfSpecLabels(obj.(*v1alpha1.Network).Spec.Labels)...)
}

// PrepareForUpdate implements rest.RESTUpdateStrategy. It drops changes of fields that clients cannot set. It keeps what is
// not given where Docker fills in what it was not given.
func (strategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	network, existing := obj.(*v1alpha1.Network), old.(*v1alpha1.Network)
	registry.KeepMetadata(network, existing)
	network.Status = existing.Status
	spec, kept := &network.Spec, &existing.Spec
	spec.Driver = cmp.Or(spec.Driver, kept.Driver)
	spec.EnableIPv6 = cmp.Or(spec.EnableIPv6, kept.EnableIPv6)
	spec.IPAM.Driver = cmp.Or(spec.IPAM.Driver, kept.IPAM.Driver)
	if len(spec.Options) == 0 {
		spec.Options = kept.Options
	}
	if containers.IsPartOfRanges(spec.IPAM.Config, kept.IPAM.Config) {
		spec.IPAM.Config = kept.IPAM.Config
	}
	containers.KeepLabels(network, existing, &spec.Labels, kept.Labels, nil)
}

// ValidateUpdate implements rest.RESTUpdateStrategy.
func (strategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return containers.ValidateNetworkUpdate(obj.(*v1alpha1.Network), old.(*v1alpha1.Network))
}
