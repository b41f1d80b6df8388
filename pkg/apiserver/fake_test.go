// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	restclient "k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
	"github.com/rancher-sandbox/engine-apiserver/pkg/livestore"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry/container"
)

const (
	groupPath   = "/apis/containers.rancherdesktop.io/v1alpha1"
	defaultPath = groupPath + "/namespaces/" + docker.DefaultNamespace
)

// fakeContainers is a source of containers that records the calls of Lookup, Update and Delete.
type fakeContainers struct {
	livestore.Source // for the methods that are not faked
	sink             livestore.Sink

	mu         sync.Mutex
	containers map[string]*v1alpha1.Container
	calls      []string
}

var _ livestore.Source = &fakeContainers{}

func newFakeContainers(containers ...*v1alpha1.Container) *fakeContainers {
	f := &fakeContainers{
		Source:     livestore.NewStatic(v1alpha1.Resource("containers"), nil),
		containers: map[string]*v1alpha1.Container{},
	}
	for _, c := range containers {
		f.containers[c.Name] = c
	}
	return f
}

func newContainer(name string, state v1alpha1.ContainerState, status v1alpha1.ContainerDockerStatus) *v1alpha1.Container {
	c := &v1alpha1.Container{Spec: v1alpha1.ContainerSpec{State: state}}
	c.Name, c.Namespace, c.UID = name, docker.DefaultNamespace, types.UID("uid-of-"+name)
	c.Status.Status, c.Status.Image, c.Spec.Image = status, "busybox", "busybox"
	c.Status.ID = strings.Repeat("0123456789abcdef", 4)
	return c
}

func (f *fakeContainers) put(c *v1alpha1.Container) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.containers[c.Name] = c
}

// took returns the calls that were recorded since it was last called.
func (f *fakeContainers) took() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := strings.Join(f.calls, ", ")
	f.calls = nil
	return calls
}

func (f *fakeContainers) Subjects(context.Context) (subjects []string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name := range f.containers {
		subjects = append(subjects, name)
	}
	return subjects, nil
}

func (f *fakeContainers) Observe(_ context.Context, name string) (map[string]runtime.Object, []string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.containers[name]; c != nil {
		return map[string]runtime.Object{c.Namespace + "/" + name: c.DeepCopy()}, nil, nil
	}
	return nil, nil, nil
}

func (f *fakeContainers) Lookup(_ context.Context, key string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, "lookup "+key)
	return "", nil
}

func (f *fakeContainers) Update(_ context.Context, name string, old, updated runtime.Object) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	from, to := old.(*v1alpha1.Container), updated.(*v1alpha1.Container)
	call := fmt.Sprintf("update %s", name)
	if from.Spec.State != to.Spec.State {
		call += fmt.Sprintf(" %s->%s", from.Spec.State, to.Spec.State)
	}
	if from.DeletionTimestamp == nil && to.DeletionTimestamp != nil {
		call += fmt.Sprintf(" delete in %ds", *to.DeletionGracePeriodSeconds)
	}
	if len(to.ManagedFields) > 0 {
		call += " with managed fields"
	}
	f.calls = append(f.calls, call)
	f.containers[name] = to.DeepCopy()
	f.sink.MarkDirty(name)
	return nil
}

func (f *fakeContainers) Delete(ctx context.Context, name string, _ runtime.Object) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	call := "delete " + name
	if grace := source.DeleteOptionsFrom(ctx).GracePeriodSeconds; grace != nil {
		call += fmt.Sprintf(" grace %d", *grace)
	}
	f.calls = append(f.calls, call)
	delete(f.containers, name)
	f.sink.MarkDirty(name)
	return nil
}

// serveContainers serves the containers of the source through the handlers of the real server.
func serveContainers(t testing.TB, source *fakeContainers, configure ...func(*genericapiserver.RecommendedConfig)) *httptest.Server {
	t.Helper()
	return serveStorage(t, source, func(scheme *runtime.Scheme, objects *registry.Namespaced, verbs registry.Verbs) (rest.Storage, error) {
		return container.NewStorage(scheme, objects, verbs, func(string) time.Duration { return 7 * time.Second },
			nil, nil)
	}, configure...)
}

// serveStorage serves the containers of the source through any storage and the handlers of the real server.
func serveStorage(t testing.TB, source *fakeContainers, newStorage func(*runtime.Scheme, *registry.Namespaced, registry.Verbs) (rest.Storage, error),
	configure ...func(*genericapiserver.RecommendedConfig)) *httptest.Server {
	t.Helper()
	stores := newStores(docker.DefaultNamespace)
	t.Cleanup(stores.stop)
	sink, served, err := stores.addLive(liveKind{
		resource:   "containers",
		newFunc:    func() runtime.Object { return &v1alpha1.Container{} },
		needs:      needs{delete: connection.Operate, update: connection.Operate},
		newStorage: newStorage,
	}, connection.Full, source)
	if err != nil {
		t.Fatal(err)
	}
	source.sink = sink
	if err := sink.Resync(t.Context()); err != nil {
		t.Fatal(err)
	}
	config := newTestConfig()
	for _, set := range configure {
		set(config)
	}
	SetOpenAPI(&config.Config, nil)
	config.EffectiveVersion = EffectiveVersion()
	server, err := config.Complete().New("test", genericapiserver.NewEmptyDelegate())
	if err != nil {
		t.Fatal(err)
	}
	if err := installAPIGroup(server, map[string]rest.Storage{"containers": served}); err != nil {
		t.Fatal(err)
	}
	return serve(t, server)
}

func serve(t testing.TB, server *genericapiserver.GenericAPIServer) *httptest.Server {
	t.Helper()
	server.PrepareRun()
	server.RunPostStartHooks(t.Context())
	listening := httptest.NewServer(server.Handler)
	t.Cleanup(listening.Close)
	started := func(context.Context) (bool, error) {
		status, _ := do(t, listening, http.MethodGet, "/livez", "")
		return status == http.StatusOK, nil
	}
	if err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, time.Minute, true, started); err != nil {
		t.Fatal("the server does not become ready: ", err)
	}
	return listening
}

func newTestConfig() *genericapiserver.RecommendedConfig {
	config := NewGenericConfig()
	config.ExternalAddress = "localhost:443"
	config.LoopbackClientConfig = &restclient.Config{}
	config.Authorization.Authorizer = authorizerfactory.NewAlwaysAllowAuthorizer()
	return config
}

// do makes a request and returns the status and the body of the answer. headers have the form "name: value".
func do(t testing.TB, server *httptest.Server, method, path, body string, headers ...string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

func check(t *testing.T, status int, body string, wantStatus int, wantParts ...string) {
	t.Helper()
	if status != wantStatus {
		t.Errorf("status %d, want %d: %s", status, wantStatus, body)
	}
	for _, part := range wantParts {
		if !strings.Contains(body, part) {
			t.Errorf("the answer has no %s: %s", part, body)
		}
	}
}
