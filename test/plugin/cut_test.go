// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin_test

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// cutAfter is how many bytes pass a line before it is cut, if it is to be cut.
const cutAfter = 4 << 20

// line is a line to the server that can be cut.
type line struct {
	net.Listener
	isCut atomic.Bool
}

// Accept implements net.Listener.
func (l *line) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &lineConn{Conn: conn, line: l}, nil
}

// lineConn is a connection over a line. It closes itself in the midst of a transfer if the line is to be cut.
type lineConn struct {
	net.Conn
	line   *line
	passed atomic.Int64
}

// pass counts bytes, in both directions together.
func (c *lineConn) pass(n int) {
	if c.passed.Add(int64(n)) > cutAfter && c.line.isCut.Load() {
		c.Conn.Close()
	}
}

// Read implements net.Conn.
func (c *lineConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.pass(n)
	return n, err
}

// Write implements net.Conn.
func (c *lineConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.pass(n)
	return n, err
}

// refuses answers a request that a proxy does not pass on, and returns false for all others.
type refuses func(http.ResponseWriter, *http.Request) bool

func nothing(http.ResponseWriter, *http.Request) bool { return false }

func webSockets(w http.ResponseWriter, r *http.Request) bool {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		return false
	}
	http.Error(w, "no WebSockets here", http.StatusForbidden)
	return true
}

// behindLine returns the kubeconfig of a proxy in front of the server that refuses something, and the line to it.
func behindLine(t *testing.T, refuse refuses) (string, *line) {
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
		if !refuse(w, r) {
			proxy.ServeHTTP(w, r)
		}
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
	for protocol, refuse := range map[string]refuses{"WebSocket": nothing, "SPDY": webSockets} {
		kubeconfig, line := behindLine(t, refuse)
		if r := runWith(t, kubeconfig, "cp", name+":/big", local+"/whole"); r != (result{}) {
			t.Errorf("%s: %+v", protocol, r)
		}
		line.isCut.Store(true)
		for arguments, input := range map[string]string{"cp " + name + ":/big -": "", "cp - " + name + ":/bin": archive} {
			var stderr bytes.Buffer
			command := command(t, kubectl.Any(t, kubeconfig), append([]string{"engine"}, strings.Fields(arguments)...)...)
			command.Stdin, command.Stderr = strings.NewReader(input), &stderr
			_ = command.Run()
			if command.ProcessState.ExitCode() != 1 || strings.Count(stderr.String(), "\n") != 1 || !strings.HasPrefix(stderr.String(), "error: cannot copy ") {
				t.Errorf("%s: %s: exit code %d, %s", protocol, arguments, command.ProcessState.ExitCode(), stderr.String())
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
		"cp " + prefix:                        prefix + "-made:\tcreated, busybox:latest\n:2", // no space follows
		"cp ./file " + prefix:                 prefix + "-made:\tcreated, busybox:latest\n:2",
		"cp " + prefix + "-made:/x " + prefix: ":0", // files
		"cp ./fi":                             ":0",
		"cp " + prefix + "-made:/":            ":4", // nothing
	} {
		completes(t, kubectl.Any(t, server.Kubeconfig), strings.Fields(line), func(offered []string) bool {
			return slices.Equal(offered, strings.Split(want, "\n"))
		})
	}
}
