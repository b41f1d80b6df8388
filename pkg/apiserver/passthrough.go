// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"strings"

	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/request"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/utils/clock"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker"
	"github.com/rancher-sandbox/engine-apiserver/pkg/passthrough"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry/container"
)

// servePassthrough serves the logs of containers to desktop clients with a log view of their own. It asks for the right
// to get the subresource log by itself: in a chain of servers the first one does not know what the path means.
func servePassthrough(server *genericapiserver.GenericAPIServer, namespace string, log *container.Log) {
	server.Handler.NonGoRestfulMux.HandlePrefix(passthrough.LogsPath, passthrough.Logs{
		Open: func(ctx context.Context, name string, options *v1alpha1.ContainerLogOptions) (io.ReadCloser, error) {
			if err := mayGetLog(ctx, server.Authorizer, namespace, name); err != nil {
				return nil, err
			}
			return log.Open(request.WithNamespace(ctx, namespace), name, options)
		},
		Clock: clock.RealClock{},
	})
}

// mayGetLog returns an error unless the user of the request may get the log of the container.
func mayGetLog(ctx context.Context, rights authorizer.UnconditionalAuthorizer, namespace, name string) error {
	return registry.RequireGet(ctx, rights, authorizer.AttributesRecord{
		APIGroup: v1alpha1.GroupName, APIVersion: v1alpha1.SchemeGroupVersion.Version,
		Resource: "containers", Subresource: "log", Namespace: namespace, Name: name,
	})
}

// ResolvePassthrough makes a server take a request for a log of the passthrough for one for the subresource log, as this
// package's own servers do. Call it for the first server of a chain. Otherwise that server asks for the right to the path
// beside the right to the log. namespace is where the engine is shown. If it is empty, it is the default.
func ResolvePassthrough(config *genericapiserver.Config, namespace string) {
	if config.RequestInfoResolver == nil {
		config.RequestInfoResolver = genericapiserver.NewRequestInfoResolver(config)
	}
	config.RequestInfoResolver = passthroughInfo{config.RequestInfoResolver, cmp.Or(namespace, docker.DefaultNamespace)}
}

// passthroughInfo takes a request for a log of the passthrough for one for the subresource log. Whoever may get the one
// may then get the other, and the request is audited and counted like the other.
type passthroughInfo struct {
	request.RequestInfoResolver
	namespace string
}

// NewRequestInfo implements request.RequestInfoResolver.
func (p passthroughInfo) NewRequestInfo(r *http.Request) (*request.RequestInfo, error) {
	name, ok := passthrough.ContainerOf(r.URL.Path)
	if !ok || r.Method != http.MethodGet {
		return p.RequestInfoResolver.NewRequestInfo(r)
	}
	return &request.RequestInfo{
		IsResourceRequest: true,
		Path:              r.URL.Path,
		Verb:              "get",
		APIPrefix:         strings.Trim(genericapiserver.APIGroupPrefix, "/"),
		APIGroup:          v1alpha1.GroupName,
		APIVersion:        v1alpha1.SchemeGroupVersion.Version,
		Namespace:         p.namespace,
		Resource:          "containers",
		Subresource:       "log",
		Name:              name,
		Parts:             []string{"containers", name, "log"},
	}, nil
}
