// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package registration_test registers real servers in real clusters.
package registration_test

import (
	"context"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/rancher-sandbox/engine-apiserver/test/controlplane"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

const (
	serviceNamespace = "engine-apiserver"
	engineNamespace  = "rancher-desktop"
	apiService       = "v1alpha1.containers.rancherdesktop.io"
	// patience is the time in which a cluster must reach a server. It is long, because the machine may be busy.
	patience = "120s"
)

// The tests share an engine and a cluster, and leave nothing in either.
var (
	docker  *engine.Engine
	cluster *controlplane.ControlPlane
)

func TestMain(m *testing.M) { os.Exit(engine.Main(withCluster{m}, &docker)) }

type withCluster struct{ *testing.M }

func (w withCluster) Run() int {
	return controlplane.Main(w.M, &cluster, controlplane.Controllers())
}

// server is a server behind a control plane. It is not registered when serve returns it.
type server struct {
	*testserver.Process
	host, port, stateDir string
}

func (s *server) address() string { return net.JoinHostPort(s.host, s.port) }

// serve starts a server that listens on host.
func serve(t *testing.T, kubeconfig, host string, args ...string) *server {
	t.Helper()
	s := &server{host: host, port: testserver.FreePort(t, host), stateDir: t.TempDir()}
	s.Process = testserver.StartProcess(t, append([]string{"serve", "--aggregated", "--kubeconfig", kubeconfig, "--docker-host", docker.Host(),
		"--bind-address", host, "--secure-port", s.port, "--state-dir", s.stateDir}, args...)...)
	s.Await(t, "engine-apiserver serves")
	return s
}

// try runs engine-apiserver with these arguments. It returns the standard output and the standard error as one text.
func try(args ...string) (output string, err error) {
	stdout, stderr, err := kubectl.Capture(testserver.Command(args...))
	return stdout + stderr, err
}

// succeed is like try, but fails the test if the command fails.
func succeed(t *testing.T, args ...string) string {
	t.Helper()
	output, err := try(args...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return output
}

// forgetLater deletes the registration when the test ends.
func forgetLater(t *testing.T, kubeconfig string) {
	t.Helper()
	t.Cleanup(func() { forget(t, kubeconfig) })
}

func forget(t *testing.T, kubeconfig string, args ...string) string {
	t.Helper()
	output := succeed(t, slices.Concat([]string{"register", "--delete", "--kubeconfig", kubeconfig}, args)...)
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	namespaces := kubernetes.NewForConfigOrDie(config).CoreV1().Namespaces()
	kubectl.Eventually(t, "namespaces that are deleted are gone", func() bool {
		found, err := namespaces.List(context.Background(), metav1.ListOptions{}) // t.Context() has ended if this runs in a cleanup
		return err == nil && !slices.ContainsFunc(found.Items, func(n corev1.Namespace) bool { return n.DeletionTimestamp != nil })
	})
	return output
}
