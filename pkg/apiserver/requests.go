// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"time"

	"github.com/emicklei/go-restful/v3"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/client-go/kubernetes"
	restclient "k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/transfers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry/credentials"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry/imagepullrequest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry/imagepushrequest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry/imagerequest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/requests"
)

// secretTimeout is how long the control plane may take to answer for a Secret.
const secretTimeout = 5 * time.Second

// requestKind is a kind of requests. They live in the memory of this server.
type requestKind struct {
	resource   string
	newFunc    func() runtime.Object
	newSource  func(*transfers.Engine, credentials.Finder, requests.Slots) *requests.Source
	newStorage func(*runtime.Scheme, *registry.Namespaced, registry.Verbs) (rest.Storage, error)
	newLog     func(rest.Getter, *requests.Source) rest.Storage
}

var requestKinds = []requestKind{
	{imagepullrequest.Resource, func() runtime.Object { return &v1alpha1.ImagePullRequest{} },
		imagepullrequest.NewSource, imagepullrequest.NewStorage, imagerequest.NewLog[*v1alpha1.ImagePullRequest]},
	{imagepushrequest.Resource, func() runtime.Object { return &v1alpha1.ImagePushRequest{} },
		imagepushrequest.NewSource, imagepushrequest.NewStorage, imagerequest.NewLog[*v1alpha1.ImagePushRequest]},
}

// addRequests makes the stores of all kinds of requests, and adds the REST storage over them to result.
func (s *stores) addRequests(result map[string]rest.Storage, engine *transfers.Engine, finder credentials.Finder) error {
	slots := requests.NewSlots(requests.DefaultMaxRunning)
	for _, kind := range requestKinds {
		elsewhere, err := s.addStatic(kind.resource, kind.newFunc, nil)
		if err != nil {
			return err
		}
		source := kind.newSource(engine, finder, slots)
		s.requests[kind.resource] = source
		store, err := s.addAvailable(kind.resource, kind.newFunc, source)
		if err != nil {
			return err
		}
		source.SetSink(store)
		objects, err := kind.newStorage(Scheme, registry.InNamespace(s.namespace, registry.Prefix(kind.resource), store, elsewhere), registry.Verbs{Delete: true, Create: true})
		if err != nil {
			return err
		}
		result[kind.resource], result[kind.resource+"/log"] = objects, kind.newLog(objects.(rest.Getter), source)
	}
	return nil
}

// stopRequests cancels what requests have running, and waits for its end.
func (s *stores) stopRequests() {
	for _, source := range s.requests {
		source.Stop()
	}
}

// finder returns what finds the credentials for registries.
func (c CompletedConfig) finder() (credentials.Finder, error) {
	finder := credentials.Finder{DockerConfig: c.extra.UseDockerConfig}
	if c.controlPlane == nil {
		return finder, nil
	}
	config := restclient.CopyConfig(c.controlPlane)
	config.Timeout = secretTimeout
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return finder, fmt.Errorf("making a client of the control plane's Secrets: %w", err)
	}
	finder.Secrets = &credentials.Secrets{Client: client.CoreV1(), Rights: c.generic.Authorization.Authorizer}
	return finder, nil
}

// takeCredentials takes the credentials for registries out of requests that came through the handler chain of another
// server. This server's own chain has taken them out already.
func takeCredentials(request *restful.Request, response *restful.Response, chain *restful.FilterChain) {
	request.Request = credentials.TakeHeader(request.Request)
	chain.ProcessFilter(request, response)
}
