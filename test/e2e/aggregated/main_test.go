// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package aggregated_test uses the real server behind a real kube-apiserver, as the users of a cluster do.
package aggregated_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
	shared  *server
)

func TestMain(m *testing.M) { os.Exit(engine.Main(withCluster{m}, &docker)) }

// withCluster runs the tests with a cluster.
type withCluster struct{ *testing.M }

func (w withCluster) Run() int {
	return controlplane.Main(withDirectory(w), &cluster, controlplane.Controllers())
}

// withDirectory runs the tests with a directory for the shared server. The first call of serve starts that server.
type withDirectory struct{ *testing.M }

func (w withDirectory) Run() int {
	dir, err := os.MkdirTemp("", "aggregated")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	shared = &server{dir: dir}
	code := w.M.Run()
	if shared.Process != nil {
		shared.Kill()
	}
	return code
}

// server is a server that is registered in the cluster.
type server struct {
	*testserver.Process
	dir, port string
	args      []string
}

// serve returns the shared server. It restarts the server if its arguments differ from args, and waits until the engine is
// synced.
func serve(t *testing.T, args ...string) *server {
	t.Helper()
	first := shared.Process == nil
	if first {
		shared.port = testserver.FreePort(t, "127.0.0.1")
		writePolicy(t)
	}
	if first || !slices.Equal(shared.args, args) {
		if !first {
			shared.Terminate(t)
		}
		shared.args = args
		shared.start(t)
	}
	if first {
		shared.register(t)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the server:\n%s", shared.Output())
		}
	})
	k := kubectl.Any(t, cluster.Admin())
	kubectl.Eventually(t, "the engine is synced", succeeds(k, "wait", "engine/moby", "-n", namespace, "--for=condition=Synced", "--timeout=10s"))
	return shared
}

// start starts the server's process. A test may call it again after the process has ended.
func (s *server) start(t *testing.T) {
	t.Helper()
	var err error
	s.Process, err = testserver.RunProcess(append([]string{"serve", "--aggregated", "--kubeconfig", cluster.Admin(),
		"--docker-host", docker.Host(), "--secure-port", s.port, "--state-dir", s.dir,
		"--audit-policy-file", s.path("policy.yaml"), "--audit-log-path", s.path("audit.log")}, s.args...)...)
	if err != nil {
		t.Fatal(err)
	}
	s.Await(t, "engine-apiserver serves")
}

func (s *server) path(name string) string { return filepath.Join(s.dir, name) }

func writePolicy(t *testing.T) {
	t.Helper()
	policy := "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n"
	if err := os.WriteFile(shared.path("policy.yaml"), []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
}

// register registers the server in the cluster, and waits until the cluster reaches the server.
func (s *server) register(t *testing.T) {
	t.Helper()
	command := testserver.Command("register", "--kubeconfig", cluster.Admin(), "--state-dir", s.dir,
		"--address", "localhost:"+s.port, "--timeout", "120s")
	if stdout, stderr, err := kubectl.Capture(command); err != nil {
		t.Fatalf("register: %v\n%s%s\n%s", err, stdout, stderr, s.Output())
	}
}

// user returns the path of a kubeconfig for a user of the cluster.
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

// run starts a container with a unique name that begins with prefix. It returns the name and the ID.
func run(t *testing.T, prefix string) (name, id string) {
	t.Helper()
	name = engine.UniqueName(prefix)
	return name, docker.Run(t, name)
}

// succeeds returns a condition for kubectl.Eventually. It is true if the kubectl command succeeds.
func succeeds(k kubectl.Kubectl, args ...string) func() bool {
	return func() bool { return k.Command(context.Background(), args...).Run() == nil }
}

// namespaceGone returns a condition for kubectl.Eventually. It is true if the cluster does not have the namespace.
func namespaceGone(k kubectl.Kubectl, name string) func() bool {
	return func() bool {
		_, stderr, err := kubectl.Capture(k.Command(context.Background(), "get", "namespace", name))
		return err != nil && strings.Contains(stderr, "NotFound")
	}
}
