// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregated

import (
	"context"

	"k8s.io/apiserver/pkg/admission"
	mutatingpolicy "k8s.io/apiserver/pkg/admission/plugin/policy/mutating"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/openapi"
	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// ownPath is the path of the server's API group, as OpenAPI names it.
var ownPath = "apis/" + v1alpha1.SchemeGroupVersion.String()

// ownSchemas gives the plugin of mutating policies the schemas of this server. By itself the plugin asks the control plane for a list
// of all schemas every five seconds, and the control plane has the schemas of this server from this server.
type ownSchemas struct {
	kubernetes.Interface
	loopback rest.Interface
}

func newOwnSchemas(client kubernetes.Interface, loopback *rest.Config) (ownSchemas, error) {
	own, err := discovery.NewDiscoveryClientForConfig(loopback)
	if err != nil {
		return ownSchemas{}, err
	}
	return ownSchemas{client, own.RESTClient()}, nil
}

// Initialize implements admission.PluginInitializer.
func (s ownSchemas) Initialize(plugin admission.Interface) {
	if policies, ok := plugin.(*mutatingpolicy.Plugin); ok {
		policies.SetExternalKubeClientSet(s)
	}
}

// Discovery implements kubernetes.Interface.
func (s ownSchemas) Discovery() discovery.DiscoveryInterfaces {
	return ownDiscovery{s.Interface.Discovery(), s.loopback}
}

type ownDiscovery struct {
	discovery.DiscoveryInterfaces
	loopback rest.Interface
}

// OpenAPIV3 implements discovery.OpenAPIV3SchemaInterface.
func (d ownDiscovery) OpenAPIV3() openapi.Client { return ownOpenAPI(d) }

// ownOpenAPI is the openapi.Client of the server's API group, which does not change while the server runs.
type ownOpenAPI ownDiscovery

// Paths implements openapi.Client.
func (o ownOpenAPI) Paths() (map[string]openapi.GroupVersion, error) {
	return map[string]openapi.GroupVersion{ownPath: o}, nil
}

// Schema implements openapi.GroupVersion.
func (o ownOpenAPI) Schema(contentType string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
	defer cancel()
	return o.loopback.Get().AbsPath(o.ServerRelativeURL()).SetHeader("Accept", contentType).Do(ctx).Raw()
}

// ServerRelativeURL implements openapi.GroupVersion.
func (o ownOpenAPI) ServerRelativeURL() string { return "/openapi/v3/" + ownPath }
