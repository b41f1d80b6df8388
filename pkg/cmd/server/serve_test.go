// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server/state"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker"
	"github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned"
)

// patienceInTests is much longer than anything in these tests takes.
const patienceInTests = 2 * time.Minute

// runningServer is a server whose engine does not answer.
type runningServer struct {
	stateDir  string
	announced string
	stop      context.CancelFunc
	ended     chan error
}

// start runs the command, and returns when the command has said that it serves.
func start(t *testing.T, arguments ...string) *runningServer {
	t.Helper()
	s := &runningServer{stateDir: t.TempDir(), ended: make(chan error, 1)}
	ctx, stop := context.WithCancel(t.Context())
	s.stop = stop
	reader, writer := io.Pipe()
	command := NewCommand()
	command.SetOut(writer)
	command.SetArgs(append([]string{"serve", "--secure-port=0", "--state-dir", s.stateDir,
		"--docker-host", "unix://" + filepath.Join(s.stateDir, "docker.sock")}, arguments...))
	go func() {
		err := command.ExecuteContext(ctx)
		writer.CloseWithError(io.EOF)
		s.ended <- err
	}()
	line, err := bufio.NewReader(reader).ReadString('\n')
	if err != nil {
		t.Fatalf("the server ended before it served: %v", <-s.ended)
	}
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	s.announced = line
	t.Cleanup(func() {
		stop()
		s.wait(t)
	})
	return s
}

// wait waits until the server has ended.
func (s *runningServer) wait(t *testing.T) {
	t.Helper()
	select {
	case err := <-s.ended:
		s.ended <- err
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patienceInTests):
		t.Fatal("the server does not end")
	}
}

func (s *runningServer) config(t *testing.T, kubeconfig string) *rest.Config {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func TestTheKubeconfigOfARunningServerWorks(t *testing.T) {
	kubeconfig := filepath.Join(t.TempDir(), "new", "my config")
	server := start(t, "--namespace=engine", "--write-kubeconfig", kubeconfig)
	config := server.config(t, kubeconfig)
	for _, part := range []string{config.Host, "no container engine", `kubectl --kubeconfig "` + kubeconfig + `" get containers,images,volumes`} {
		if !strings.Contains(server.announced, part) {
			t.Errorf("%q is not in %q", part, server.announced)
		}
	}
	client, err := versioned.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.ContainersV1alpha1().ContainerNamespaces("engine").Get(t.Context(), "moby", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
	if err := os.Remove(kubeconfig); err != nil {
		t.Error(err)
	}
}

func TestAServerWithCertificatesOfTheUsersIsTrusted(t *testing.T) {
	other := start(t)
	pem := filepath.Join(other.stateDir, "serving.pem")
	server := start(t, "--tls-cert-file", pem, "--tls-private-key-file", pem)
	config := server.config(t, filepath.Join(server.stateDir, "kubeconfig"))
	client, err := versioned.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.ContainersV1alpha1().ContainerNamespaces(docker.DefaultNamespace).List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Error(err)
	}
	if bytes.Contains(config.CAData, []byte("PRIVATE KEY")) {
		t.Error("the kubeconfig holds the private key")
	}
}

// The watches stay open. So if the server ends at all, it does not wait for its clients.
func TestTheServerEndsWithOpenWatches(t *testing.T) {
	server := start(t)
	client, err := versioned.NewForConfig(server.config(t, filepath.Join(server.stateDir, "kubeconfig")))
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		watch, err := client.ContainersV1alpha1().ContainerNamespaces(metav1.NamespaceAll).Watch(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer watch.Stop()
		<-watch.ResultChan()
	}
	server.stop()
	server.wait(t)
}

func TestStrangersGetNothingButHealthAndVersion(t *testing.T) {
	server := start(t)
	config := rest.AnonymousClientConfig(server.config(t, filepath.Join(server.stateDir, "kubeconfig")))
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{
		"/livez": http.StatusOK, "/readyz": http.StatusOK, "/healthz": http.StatusOK, "/version": http.StatusOK,
		"/": http.StatusUnauthorized, "/apis": http.StatusUnauthorized, "/metrics": http.StatusUnauthorized,
		"/openapi/v2": http.StatusUnauthorized, "/debug/pprof/": http.StatusUnauthorized,
		"/apis/containers.rancherdesktop.io/v1alpha1/containers": http.StatusUnauthorized,
	} {
		response, err := client.Get(config.Host + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: status %d, want %d", path, response.StatusCode, want)
		}
	}
}

func TestAMistakeIsOneLineThatNamesTheThingAndTheWayOut(t *testing.T) {
	busy, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	_, port, err := net.SplitHostPort(busy.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	certificate := filepath.Join(t.TempDir(), "serving.pem")
	content, _, err := state.SelfSigned("localhost")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(certificate, content, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBERNETES_SERVICE_HOST", "") // not in a pod
	nowhere := kubeconfigOf(t, refusedURL(t))
	webServer := httptest.NewServer(http.NotFoundHandler())
	defer webServer.Close()
	for _, test := range []struct {
		arguments []string
		want      []string
	}{
		{[]string{"--bogus"}, []string{"unknown flag: --bogus", "--help"}},
		{[]string{"more"}, []string{"takes no arguments", `"more"`}},
		{[]string{"--secure-port=x"}, []string{"--secure-port", `"x"`}},
		{[]string{"--secure-port=70000"}, []string{"--secure-port 70000", "65535"}},
		{[]string{"--secure-port=" + port}, []string{port + " is in use", "--secure-port"}},
		{[]string{"--bind-address=192.0.2.1"}, []string{"192.0.2.1", "--bind-address"}},
		{[]string{"--namespace=A_b"}, []string{`--namespace "A_b"`}},
		{[]string{"--resync-period=0s"}, []string{"--resync-period"}},
		{[]string{"--tls-cert-file=x"}, []string{"--tls-cert-file", "--tls-private-key-file"}},
		{[]string{"--tls-cert-file=" + file + "x", "--tls-private-key-file=x"}, []string{file + "x"}},
		{[]string{"--tls-cert-file=" + certificate, "--tls-private-key-file=" + file}, []string{"--tls-private-key-file"}},
		{[]string{"--logging-format=bogus"}, []string{"bogus"}},
		{[]string{"--audit-log-path=" + t.TempDir()}, []string{"--audit flags", "is a directory"}},
		{[]string{"--audit-policy-file=" + file + "x"}, []string{file + "x"}},
		{[]string{"--state-dir=" + file}, []string{file, "--state-dir"}},
		{[]string{"--write-kubeconfig=" + filepath.Join(file, "x")}, []string{file, "--write-kubeconfig"}},
		{[]string{"--docker-host=bogus://x"}, []string{"bogus"}},
		{[]string{"--docker-host=" + file}, []string{file, "unix://" + file}},
		{[]string{"--kubeconfig="}, []string{"--kubeconfig", "stands alone"}},
		{[]string{"--kubeconfig=" + os.DevNull}, []string{os.DevNull, "no current context"}},
		{[]string{"--kubeconfig=" + t.TempDir()}, []string{"--kubeconfig", "is a directory"}},
		{[]string{"--state-dir=" + os.DevNull}, []string{os.DevNull, "--state-dir"}},
		{[]string{"--write-kubeconfig=" + t.TempDir()}, []string{"is a directory", "--write-kubeconfig"}},
		{[]string{"--aggregated"}, []string{"--kubeconfig"}},
		{[]string{"--kubeconfig=" + file + "x"}, []string{file + "x", "--kubeconfig"}},
		{[]string{"--authentication-kubeconfig=" + file}, []string{file, "not a kubeconfig"}},
		{[]string{"--kubeconfig=" + file, "--write-kubeconfig=x"}, []string{"--write-kubeconfig", "control plane"}},
		{[]string{"--service-name=x"}, []string{"--service-name", "--aggregated"}},
		{[]string{"--aggregated=false", "--unregister-on-exit=false"}, []string{"--unregister-on-exit", "--aggregated"}},
		{[]string{"--enable-priority-and-fairness"}, []string{"--enable-priority-and-fairness", "--aggregated"}},
		{[]string{"--kubeconfig=" + nowhere, "--service-name=A_b"}, []string{`--service-name "A_b"`}},
		{[]string{"--kubeconfig=" + nowhere, "--client-ca-file=" + file + "x"}, []string{"--client-ca-file", file + "x"}},
		{[]string{"--kubeconfig=" + nowhere, "--secure-port=" + port}, []string{port + " is in use", "--secure-port"}},
		{[]string{"--kubeconfig=" + nowhere, "--audit-policy-file=" + file + "x"}, []string{file + "x"}},
		{[]string{"--kubeconfig=" + nowhere, "--tls-cert-file=" + file + "x", "--tls-private-key-file=x"}, []string{file + "x"}},
		{[]string{"--kubeconfig=" + kubeconfigOf(t, webServer.URL)}, []string{webServer.URL, "not a Kubernetes API server"}},
	} {
		command := NewCommand()
		var out bytes.Buffer
		command.SetOut(&out)
		command.SetErr(&out)
		command.SetArgs(append([]string{"serve", "--secure-port=0", "--state-dir=" + t.TempDir(), "--docker-host=unix:///nowhere.sock"}, test.arguments...))
		err := command.ExecuteContext(t.Context())
		if err == nil {
			t.Errorf("%q: the server ran", test.arguments)
			continue
		}
		for _, part := range test.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q: %q is not in %q", test.arguments, part, err)
			}
		}
		if strings.Contains(err.Error(), "\n") || out.Len() > 0 {
			t.Errorf("%q: more than one line: %s %s", test.arguments, err, out.String())
		}
	}
}

func TestHelpShowsTheFlagsThatHaveAMeaningHere(t *testing.T) {
	command := NewCommand()
	var out bytes.Buffer
	command.SetOut(&out)
	command.SetArgs([]string{"serve", "--help"})
	if err := command.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	for flag, want := range map[string]bool{
		"--docker-host": true, "--namespace": true, "--state-dir": true, "--write-kubeconfig": true, "--bind-address": true,
		"--secure-port": true, "--resync-period": true, "--ready-requires-engine": true, "--audit-log-path": true,
		"--tls-min-version": true, "--feature-gates": true, "--logging-format": true, "--request-timeout": true,
		"--aggregated": true, "--kubeconfig": true, "--authentication-kubeconfig": true, "--authorization-kubeconfig": true, "--requestheader-client-ca-file": true,
		"--service-name": true, "--service-namespace": true, "--unregister-on-exit": true, "--allow-namespace-deletion": true,
		"--enable-priority-and-fairness": true, "--passthrough-bind-address": true, "--cert-dir": false, "--permit-port-sharing": false, "--emulated-version": false, "--etcd-servers": false,
	} {
		if strings.Contains(out.String(), "\n      "+flag+" ") != want {
			t.Errorf("%s is shown: %t, want %t", flag, !want, want)
		}
	}
	// If two flags had the same name, it would be random which of them is set.
	seen := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^ +(?:-[a-z], )?(--[a-z-]+) `).FindAllStringSubmatch(out.String(), -1) {
		if seen[match[1]] {
			t.Errorf("%s is shown twice", match[1])
		}
		seen[match[1]] = true
	}
}
