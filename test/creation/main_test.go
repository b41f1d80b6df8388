// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package creation tests how the real server of a real Docker Engine makes containers.
package creation

import (
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/docker/cli/cli/config"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	versioned "github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned/typed/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/dockerproxy"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

var (
	eng   *engine.Engine
	proxy *dockerproxy.Proxy
	// server reaches the engine through the proxy.
	server *testserver.Server
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "creation-")
	if err != nil {
		panic(err)
	}
	config.SetDir(dir) // the server must not find credentials of the user who runs the tests
	code := engine.Main(runner{m, dir}, &eng)
	os.RemoveAll(dir)
	os.Exit(code)
}

// runner runs the tests with a proxy in front of the engine, and a server.
type runner struct {
	tests *testing.M
	dir   string
}

// Run implements what engine.Main wants.
func (r runner) Run() int {
	var err error
	if proxy, err = dockerproxy.Start(r.dir, eng.Host()); err != nil {
		panic(err)
	}
	defer proxy.Close()
	if server, err = testserver.Run(r.dir, proxy.Host()); err != nil {
		panic(err)
	}
	code := r.tests.Run()
	if err := server.Stop(); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		return 1
	}
	return code
}

// client is a client of the containers. It takes note of the warnings that it gets.
type client struct {
	versioned.ContainerInterface
	api *versioned.ContainersV1alpha1Client

	mu       sync.Mutex
	warnings []string
}

func newClient(t *testing.T) *client { return clientFor(t, server.Config(t)) }

func clientFor(t *testing.T, config *rest.Config) *client {
	t.Helper()
	c := &client{}
	config.WarningHandler = c
	api, err := versioned.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	c.api, c.ContainerInterface = api, api.Containers(testserver.Namespace)
	return c
}

// HandleWarningHeader implements rest.WarningHandler.
func (c *client) HandleWarningHeader(_ int, _, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.warnings = append(c.warnings, text)
}

func (c *client) warned() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.warnings)
}

// wanted returns a container of busybox that runs until it is told to stop, with a new name. It is removed when the test
// ends.
func wanted(t *testing.T, change ...func(*v1alpha1.ContainerSpec)) *v1alpha1.Container {
	t.Helper()
	c := &v1alpha1.Container{
		ObjectMeta: metav1.ObjectMeta{Name: engine.UniqueName("made")},
		Spec:       v1alpha1.ContainerSpec{Image: engine.Busybox, Args: engine.Wait, NetworkMode: "none"},
	}
	for _, f := range change {
		f(&c.Spec)
	}
	eng.RemoveAfter(t, c.Name)
	return c
}

func (c *client) mustCreate(t *testing.T, wanted *v1alpha1.Container) *v1alpha1.Container {
	t.Helper()
	made, err := c.Create(t.Context(), wanted, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return made
}
