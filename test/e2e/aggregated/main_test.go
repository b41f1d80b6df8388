// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package aggregated_test drives the real server behind a real kube-apiserver, as the users of a cluster do.
package aggregated_test

import (
	"context"
	"net"
	"os"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/rancher-sandbox/engine-apiserver/test/controlplane"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

const (
	namespace  = "rancher-desktop"
	apiService = "apiservice/v1alpha1.containers.rancherdesktop.io"
)

// The tests share an engine, a cluster, and a server that is registered in it.
var (
	docker  *engine.Engine
	cluster *controlplane.ControlPlane
)

func TestMain(m *testing.M) { os.Exit(engine.Main(withCluster{m}, &docker)) }

type withCluster struct{ *testing.M }

func (w withCluster) Run() int {
	return controlplane.Main(w.M, &cluster, controlplane.ControllerManager())
}

// server is one that is registered in the cluster.
type server struct {
	*testserver.Process
	port, dir string
	args      []string
}

// serve registers a server and runs it until the test ends.
func serve(t *testing.T, args ...string) *server {
	t.Helper()
	s := &server{port: freePort(t), dir: t.TempDir(), args: args}
	s.start(t)
	s.register(t)
	kubectl.Any(t, cluster.Admin()).OK(t, "wait", "engine/moby", "-n", namespace, "--for=condition=Synced", "--timeout=60s")
	return s
}

// start runs the server, for the first time or once more.
func (s *server) start(t *testing.T) {
	t.Helper()
	s.Process = testserver.StartProcess(t, append([]string{"serve", "--aggregated", "--kubeconfig", cluster.Admin(),
		"--docker-host", docker.Host(), "--secure-port", s.port, "--state-dir", s.dir}, s.args...)...)
	s.Await(t, "engine-apiserver serves")
}

// register has the cluster know the server, and waits until it does. When the test ends the cluster forgets it.
func (s *server) register(t *testing.T) {
	t.Helper()
	args := []string{"register", "--kubeconfig", cluster.Admin(), "--state-dir", s.dir}
	command := testserver.Command(append(args, "--address", "localhost:"+s.port, "--timeout", "120s")...)
	if stdout, stderr, err := kubectl.Capture(command); err != nil {
		t.Fatalf("register: %v\n%s%s\n%s", err, stdout, stderr, s.Output())
	}
	t.Cleanup(func() {
		if stdout, stderr, err := kubectl.Capture(testserver.Command(append(args, "--delete")...)); err != nil {
			t.Errorf("register --delete: %v\n%s%s", err, stdout, stderr)
		}
		k := kubectl.Any(t, cluster.Admin())
		kubectl.Eventually(t, "what was registered is gone", namespaceGone(k, "engine-apiserver"))
	})
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// user returns a kubeconfig of a user of the cluster.
func user(t *testing.T, name string, groups ...string) string {
	t.Helper()
	kubeconfig, err := cluster.Kubeconfig(name, groups...)
	if err != nil {
		t.Fatal(err)
	}
	return kubeconfig
}

func config(t *testing.T, kubeconfig string) *rest.Config {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	return config
}

// run starts a container with an own name and returns that and its ID.
func run(t *testing.T, prefix string) (name, id string) {
	t.Helper()
	name = engine.UniqueName(prefix)
	return name, docker.Run(t, name)
}

// succeeds is a condition for kubectl.Eventually.
func succeeds(k kubectl.Kubectl, args ...string) func() bool {
	return func() bool { return k.Command(context.Background(), args...).Run() == nil }
}

// namespaceGone says whether a namespace was deleted as a whole.
func namespaceGone(k kubectl.Kubectl, name string) func() bool {
	return func() bool {
		_, stderr, err := kubectl.Capture(k.Command(context.Background(), "get", "namespace", name))
		return err != nil && strings.Contains(stderr, "NotFound")
	}
}
