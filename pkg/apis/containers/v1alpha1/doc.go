// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 holds the kinds that show a Docker Engine to Kubernetes clients.
//
// There is one version, and it is its own hub: the same Go types are registered as the internal version.
//
// +k8s:deepcopy-gen=package
// +k8s:conversion-gen=false
// +k8s:openapi-gen=true
// +k8s:openapi-model-package=io.rancherdesktop.containers.v1alpha1
// +groupName=containers.rancherdesktop.io
package v1alpha1
