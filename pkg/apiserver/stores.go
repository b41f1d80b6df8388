// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/stats"
	"github.com/rancher-sandbox/engine-apiserver/pkg/livestore"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry/container"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry/containernamespace"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry/credentials"
	engineregistry "github.com/rancher-sandbox/engine-apiserver/pkg/registry/engine"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry/image"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry/imagepullrequest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry/network"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry/volume"
	"github.com/rancher-sandbox/engine-apiserver/pkg/requests"
)

// stores are the live stores of all kinds. They share one counter of resourceVersions.
type stores struct {
	namespace string
	versions  *livestore.Versions
	all       []*livestore.Store
	requests  map[string]*requests.Source // by resource
	live      map[string]*livestore.Store // the stores of the kinds that the engine holds, by resource
	sampler   *stats.Sampler              // the source of the containers' metrics
}

func newStores(namespace string) *stores {
	return &stores{
		namespace: namespace,
		versions:  livestore.NewVersions(uint64(time.Now().UnixMicro())),
		requests:  map[string]*requests.Source{},
		live:      map[string]*livestore.Store{},
	}
}

// stop ends all watches and waits for the running observations.
func (s *stores) stop() {
	for _, store := range s.all {
		store.Stop()
	}
}

// add adds a store over the source. traits is the configuration in which the kinds differ. add sets the rest of it.
func (s *stores) add(resource string, newFunc func() runtime.Object, source livestore.Source, traits livestore.Config) *livestore.Store {
	config := traits
	config.Versions = s.versions
	config.Resource = v1alpha1.Resource(resource)
	config.Prefix = registry.Prefix(resource)
	config.NewFunc = newFunc
	config.Source = source
	config.Aliases = containers.IDs
	config.IndexedFields = containers.IndexedFields
	config.Moves = containers.HasTag
	config.SetGeneration = containers.SetGeneration
	config.SpecChanged = containers.SpecChanged
	store := livestore.New(config)
	s.all = append(s.all, store)
	return store
}

// addStatic adds a store of objects that never change.
func (s *stores) addStatic(resource string, newFunc func() runtime.Object, objects map[string]runtime.Object) (*livestore.Store, error) {
	return s.addAvailable(resource, newFunc, livestore.NewStatic(v1alpha1.Resource(resource), objects))
}

// addAvailable adds a store of objects that can be read even if the engine does not answer.
func (s *stores) addAvailable(resource string, newFunc func() runtime.Object, source livestore.Source) (*livestore.Store, error) {
	store := s.add(resource, newFunc, source, livestore.Config{})
	if err := store.Resync(context.Background()); err != nil {
		return nil, fmt.Errorf("filling the store of %s: %w", resource, err)
	}
	return store, nil
}

// liveKind is a kind that the engine holds.
type liveKind struct {
	resource   string
	newFunc    func() runtime.Object
	traits     livestore.Config // DeleteLooks and GetFence
	needs      needs
	newStorage func(*runtime.Scheme, *registry.Namespaced, registry.Verbs) (rest.Storage, error)
}

// needs are the least accesses with which a kind has the verbs beside get, list and watch. With "" it never has the verb.
type needs struct{ delete, update, create connection.Access }

// verbs returns the verbs that a kind has with the access.
func (n needs) verbs(access connection.Access) registry.Verbs {
	return registry.Verbs{Delete: access.Includes(n.delete), Update: access.Includes(n.update), Create: access.Includes(n.create)}
}

// liveKinds lists the kinds that the engine holds.
func (s *stores) liveKinds(engine *docker.Engine) []liveKind {
	newContainers := func(scheme *runtime.Scheme, objects *registry.Namespaced, verbs registry.Verbs) (rest.Storage, error) {
		var hiddenEnvironment container.HiddenEnvironmentFunc
		if !engine.Containers().ShowEnvironment {
			hiddenEnvironment = engine.Containers().HiddenEnvironment
		}
		return container.NewStorage(scheme, objects, verbs, engine.Containers().StopTimeout, hiddenEnvironment, engine.Containers().ImageLabels)
	}
	newImages := func(scheme *runtime.Scheme, objects *registry.Namespaced, verbs registry.Verbs) (rest.Storage, error) {
		return image.NewStorage(scheme, objects, verbs, func(ctx context.Context, name string) (string, error) {
			return engine.Source("images").Lookup(ctx, s.namespace+"/"+name)
		})
	}
	const operate, full = connection.Operate, connection.Full
	return []liveKind{
		{"containers", func() runtime.Object { return &v1alpha1.Container{} },
			livestore.Config{}, needs{delete: operate, update: operate, create: full}, newContainers},
		{"images", func() runtime.Object { return &v1alpha1.Image{} },
			livestore.Config{DeleteLooks: true, GetFence: engine.Fence}, needs{delete: operate, update: full, create: full}, newImages},
		{"volumes", func() runtime.Object { return &v1alpha1.Volume{} },
			livestore.Config{DeleteLooks: true, GetFence: engine.Fence}, needs{delete: operate, update: full, create: full}, volume.NewStorage},
		{"networks", func() runtime.Object { return &v1alpha1.Network{} },
			livestore.Config{DeleteLooks: true}, needs{delete: operate, update: full, create: full}, network.NewStorage},
	}
}

// addLive adds a store of a kind that the engine holds and returns the REST storage over it, with the verbs that the access
// allows. Namespaces other than the engine's have no objects.
func (s *stores) addLive(kind liveKind, access connection.Access, source livestore.Source) (*livestore.Store, rest.Storage, error) {
	elsewhere, err := s.addStatic(kind.resource, kind.newFunc, nil)
	if err != nil {
		return nil, nil, err
	}
	store := s.add(kind.resource, kind.newFunc, source, kind.traits)
	objects := registry.InNamespace(s.namespace, registry.Prefix(kind.resource), store, elsewhere)
	served, err := kind.newStorage(Scheme, objects, kind.needs.verbs(access))
	return store, served, err
}

// restStorage makes the stores of all kinds, passes them to the engine, and returns the REST storage over them. It has the
// verbs and the subresources that the access allows.
func (s *stores) restStorage(engine *docker.Engine, access connection.Access, streams container.Streams, finder credentials.Finder) (map[string]rest.Storage, error) {
	result := map[string]rest.Storage{}
	for _, kind := range s.liveKinds(engine) {
		source := engine.Source(kind.resource)
		store, objects, err := s.addLive(kind, access, source)
		if err != nil {
			return nil, err
		}
		s.live[kind.resource], result[kind.resource] = store, objects
		source.SetSink(store)
	}

	for name, storage := range container.Subresources(result["containers"].(rest.Getter), engine.Containers(), access, streams) {
		result["containers/"+name] = storage
	}
	if access.Includes(connection.Full) {
		if err := s.addRequests(result, engine.Transfers(), finder); err != nil {
			return nil, err
		}
		images := &container.Images{
			Has:      engine.Transfers().Has,
			Requests: result[imagepullrequest.Resource].(rest.Creater),
			Request:  s.requests[imagepullrequest.Resource].Request,
		}
		engine.Containers().EnsureImage = images.Ensure
	}
	if err := s.addMetrics(result, engine.Stats()); err != nil {
		return nil, err
	}
	engines, err := s.addAvailable("engines", func() runtime.Object { return &v1alpha1.Engine{} }, engine.Engines())
	if err != nil {
		return nil, err
	}
	engine.Engines().SetSink(engines)
	engine.Engines().SetCount(s.count)
	namespaces, err := s.addStatic("containernamespaces", func() runtime.Object { return &v1alpha1.ContainerNamespace{} },
		map[string]runtime.Object{s.namespace + "/" + v1alpha1.EngineNamespace: engineNamespace(s.namespace)})
	if err != nil {
		return nil, err
	}
	if result["containernamespaces"], err = containernamespace.NewStorage(Scheme, namespaces); err != nil {
		return nil, err
	}
	if result["engines"], err = engineregistry.NewStorage(Scheme, engines); err != nil {
		return nil, err
	}
	return result, nil
}

func engineNamespace(namespace string) *v1alpha1.ContainerNamespace {
	return &v1alpha1.ContainerNamespace{ObjectMeta: metav1.ObjectMeta{
		Namespace: namespace,
		Name:      v1alpha1.EngineNamespace,
		UID:       types.UID(uuid.NewSHA1(uuid.NameSpaceURL, []byte(v1alpha1.GroupName+"/"+v1alpha1.EngineNamespace)).String()),
	}}
}
