// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package registration registers a server in a cluster and keeps it registered. It manages the APIService, by which the
// cluster's aggregator forwards requests to the server, and the objects that the APIService needs.
package registration

import (
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

const (
	// APIServiceName is the name of the server's APIService. Kubernetes derives it from the version and the group.
	APIServiceName = "v1alpha1." + v1alpha1.GroupName
	// Label marks the objects that belong to a registration. Its value is the name of the APIService. A server restores its
	// APIService only while its Service carries this label.
	Label = v1alpha1.GroupName + "/apiservice"

	// bundleAnnotation is the annotation of a Service that holds the registered caBundle. A server that does not know its
	// own authority restores the APIService with it.
	bundleAnnotation = v1alpha1.GroupName + "/ca-bundle"

	fieldManager = "engine-apiserver"
)

// Service is the Kubernetes Service that leads to the server.
type Service struct {
	Namespace, Name string
	// Port is the port in the APIService. For a Service of type ExternalName it is the server's own port.
	Port int32
}

func (s Service) String() string { return s.Namespace + "/" + s.Name }
