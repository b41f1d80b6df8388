// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned/scheme"
)

// subresource is a subresource of the containers, such as log.
type subresource string

// of makes a request one for the subresource of a container. The options may be nil.
func (s subresource) of(request *rest.Request, c *containers, name string, options runtime.Object) *rest.Request {
	request = request.Namespace(c.namespace).Resource("containers").Name(name).SubResource(string(s))
	if options != nil {
		request = request.VersionedParams(options, scheme.ParameterCodec)
	}
	return request
}

// create creates an object at the subresource of a container.
func (s subresource) create(ctx context.Context, c *containers, name string, body runtime.Object) error {
	return s.explain(c, s.of(c.rest.Post(), c, name, nil).Body(body).Do(ctx).Error())
}

// explain returns err, the error of a request for the subresource. If the server does not have the subresource, it
// returns an error that says so.
func (s subresource) explain(c *containers, err error) error {
	return c.explain("containers/"+string(s), err)
}

// explain returns err, the error of a request for a resource or a subresource. If the server does not have that, it
// returns an error that says so.
func (e *engine) explain(resource string, err error) error {
	if err == nil || isAbsent(err) {
		return err
	}
	served, discoveryErr := e.discovery.ServerResourcesForGroupVersion(v1alpha1.SchemeGroupVersion.String())
	if discoveryErr != nil || slices.ContainsFunc(served.APIResources, func(r metav1.APIResource) bool { return r.Name == resource }) {
		return err
	}
	return fmt.Errorf("the server does not serve %s: it is older than this plugin, or its --engine-access does not allow it", resource)
}
