// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package registration makes a server known to a cluster, and keeps it known: the APIService by which the cluster's
// aggregator passes requests on, and all that belongs to it.
package registration

import (
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

const (
	// APIServiceName is the one name that an APIService of the server can have.
	APIServiceName = "v1alpha1." + v1alpha1.GroupName
	// Label is on what was made for the APIService that is its value. A Service that has it lets a server put its
	// APIService back.
	Label = v1alpha1.GroupName + "/apiservice"

	// bundleAnnotation is on a Service for a server that cannot tell by itself what the cluster trusts it by.
	bundleAnnotation = v1alpha1.GroupName + "/ca-bundle"

	fieldManager = "engine-apiserver"
)

// Service is the one that leads to the server.
type Service struct {
	Namespace, Name string
	// Port is that of the APIService. Where the Service is of type ExternalName it is the server's.
	Port int32
}

func (s Service) String() string { return s.Namespace + "/" + s.Name }
