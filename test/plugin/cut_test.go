// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// line is a line to the server that can be cut.
type line struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

// Accept implements net.Listener.
func (l *line) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.conns = append(l.conns, conn)
	}
	return conn, err
}

// cut closes all connections.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.conns {
		conn.Close()
	}
}

// behindLine returns the kubeconfig of a proxy in front of the server, and the line to it. The proxy knows no WebSockets
// unless it is told to.
func behindLine(t *testing.T, webSockets bool) (string, *line) {
	t.Helper()
	config := server.Config(t)
	tlsConfig, err := rest.TLSConfigFor(config)
	must(t, err)
	target, err := url.Parse(config.Host)
	must(t, err)
	proxy := &httputil.ReverseProxy{
		Transport: &http.Transport{TLSClientConfig: tlsConfig, TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Set("Authorization", "Bearer "+config.BearerToken)
		},
	}
	front := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !webSockets && strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
			http.Error(w, "no WebSockets here", http.StatusForbidden)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	l := &line{Listener: front.Listener}
	front.Listener = l
	front.Start()
	t.Cleanup(front.Close)
	kubeconfig := clientcmdapi.NewConfig()
	kubeconfig.Clusters["c"] = &clientcmdapi.Cluster{Server: front.URL}
	kubeconfig.Contexts["c"] = &clientcmdapi.Context{Cluster: "c", Namespace: testserver.Namespace}
	kubeconfig.CurrentContext = "c"
	file := filepath.Join(t.TempDir(), "kubeconfig")
	must(t, clientcmd.WriteToFile(*kubeconfig, file))
	return file, l
}

func TestACopyThatIsCutOffIsAnErrorOverEitherProtocol(t *testing.T) {
	name, big := engine.UniqueName("cut"), bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	docker.Create(t, name)
	local := t.TempDir()
	must(t, os.WriteFile(local+"/big", big, 0o600))
	ok(t, "cp", local+"/big", name+":/big")
	archive := ok(t, "cp", name+":/big", "-")
	for protocol, webSockets := range map[string]bool{"WebSocket": true, "SPDY": false} {
		kubeconfig, line := behindLine(t, webSockets)
		if r := runWith(t, kubeconfig, "cp", name+":/big", local+"/whole"); r != (result{}) {
			t.Errorf("%s: %+v", protocol, r)
		}
		for arguments, input := range map[string]string{"cp " + name + ":/big -": "", "cp - " + name + ":/": archive} {
			var stderr bytes.Buffer
			command := command(t, kubectl.Any(t, kubeconfig), append([]string{"engine"}, strings.Fields(arguments)...)...)
			command.Stderr = &stderr
			stdin, err := command.StdinPipe()
			must(t, err)
			stdout, err := command.StdoutPipe()
			must(t, err)
			must(t, command.Start())
			if input == "" {
				_, err = io.CopyN(io.Discard, stdout, 1<<20)
			} else {
				_, err = io.WriteString(stdin, input[:len(input)/2])
			}
			must(t, err)
			line.cut()
			got, err := io.ReadAll(stdout)
			must(t, err)
			_ = command.Wait()
			if command.ProcessState.ExitCode() != 1 || strings.Count(stderr.String(), "\n") != 1 || !strings.HasPrefix(stderr.String(), "error: cannot copy ") {
				t.Errorf("%s: %s: exit code %d, %d bytes more, %s", protocol, arguments, command.ProcessState.ExitCode(), len(got), stderr.String())
			}
		}
	}
}

func TestAnOutputThatCannotBeWrittenIsAnError(t *testing.T) {
	name := engine.UniqueName("full")
	docker.Run(t, name)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	must(t, err)
	defer full.Close()
	for _, arguments := range []string{"cp " + name + ":/bin/busybox -", "exec " + name + " echo x"} {
		var stderr bytes.Buffer
		command := command(t, kubectl.Any(t, server.Kubeconfig), append([]string{"engine"}, strings.Fields(arguments)...)...)
		command.Stdout, command.Stderr = full, &stderr
		_ = command.Run()
		if command.ProcessState.ExitCode() != 1 || !strings.Contains(stderr.String(), "no space left on device") || strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("%s: exit code %d, %s", arguments, command.ProcessState.ExitCode(), stderr.String())
		}
	}
}

func TestCpCompletesContainersAndLeavesFilesToTheShell(t *testing.T) {
	prefix := engine.UniqueName("complete")
	docker.Create(t, prefix+"-made")
	for line, want := range map[string]string{
		"cp " + prefix:                        prefix + "-made:\tcreated, busybox:latest\n:2\n", // no space follows
		"cp ./file " + prefix:                 prefix + "-made:\tcreated, busybox:latest\n:2\n",
		"cp " + prefix + "-made:/x " + prefix: ":0\n", // files
		"cp ./fi":                             ":0\n",
		"cp " + prefix + "-made:/":            ":4\n", // nothing
	} {
		stdout, stderr, err := kubectl.Capture(command(t, kubectl.Any(t, server.Kubeconfig), append([]string{"__complete", "engine"}, strings.Fields(line)...)...))
		if err != nil || stdout != want {
			t.Errorf("%s: %q, want %q: %v %s", line, stdout, want, err, stderr)
		}
	}
}
