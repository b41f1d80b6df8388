// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package outage tests the server while its engine is missing, hangs or answers with errors.
package outage

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned"
	"github.com/rancher-sandbox/engine-apiserver/test/dockerproxy"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

const (
	group     = "/apis/containers.rancherdesktop.io/v1alpha1"
	namespace = group + "/namespaces/" + testserver.Namespace

	// patience is how long a test waits before it fails. It is long, because the machine may be busy.
	patience = 2 * time.Minute
	// endlessRequests is the flag that gives requests more time than any test has.
	endlessRequests = "--request-timeout=1h"
)

var eng *engine.Engine

func TestMain(m *testing.M) { os.Exit(engine.Main(m, &eng)) }

// socket is an endpoint that leads nowhere at first. leadTo makes it lead to an engine.
type socket struct{ path string }

func newSocket(t *testing.T) *socket {
	t.Helper()
	dir, err := os.MkdirTemp("", "outage-") // t.TempDir() may be too long for the path of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return &socket{filepath.Join(dir, "docker.sock")}
}

func (s *socket) dir() string { return filepath.Dir(s.path) }

func (s *socket) host() string { return "unix://" + s.path }

func (s *socket) leadTo(t *testing.T, e *engine.Engine) {
	t.Helper()
	next := s.path + ".next"
	if err := os.Symlink(strings.TrimPrefix(e.Host(), "unix://"), next); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, s.path); err != nil {
		t.Fatal(err)
	}
}

// answer is a response whose body was read to its end.
type answer struct {
	code   int
	header http.Header
	body   string
}

// ask sends a request once. Unlike a client of client-go, it does not retry.
func ask(t *testing.T, server *testserver.Server, method, path, body string) answer {
	t.Helper()
	config := server.Config(t)
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	client.Timeout = patience
	request, err := http.NewRequestWithContext(t.Context(), method, config.Host+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPatch {
		request.Header.Set("Content-Type", "application/merge-patch+json")
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(content)}
}

func get(t *testing.T, server *testserver.Server, path string) answer {
	t.Helper()
	return ask(t, server, http.MethodGet, path, "")
}

// eventually fails unless try returns nil before patience ends.
func eventually(t *testing.T, try func() error) {
	t.Helper()
	timeout := time.After(patience)
	for tick := time.Tick(20 * time.Millisecond); ; {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-timeout:
			t.Fatal(err)
		case <-tick:
		}
	}
}

// awaitCode waits until the server answers a list of containers with code.
func awaitCode(t *testing.T, server *testserver.Server, code int) {
	t.Helper()
	eventually(t, func() error {
		if got := get(t, server, namespace+"/containers"); got.code != code {
			return fmt.Errorf("the server answers a list with %d, not %d: %s", got.code, code, got.body)
		}
		return nil
	})
}

// checkRefused fails unless the answer is a 503 that names the endpoint and says when to retry.
func checkRefused(t *testing.T, what string, got answer, endpoint string) {
	t.Helper()
	if got.code != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || !strings.Contains(got.body, endpoint) ||
		!strings.Contains(got.body, `"reason":"ServiceUnavailable"`) {
		t.Errorf("%s: %d, Retry-After %q: %s", what, got.code, got.header.Get("Retry-After"), got.body)
	}
}

// withoutEngine has the paths that a server answers without its engine.
var withoutEngine = []string{"/livez", "/version", "/apis", group, namespace + "/engines", namespace + "/engines/moby", "/openapi/v2", "/openapi/v3", "/openapi/v3" + group, "/healthz", "/readyz", "/metrics"}

// checkAnswersWithoutEngine fails unless the server answers the paths of withoutEngine. Call it while the engine does not answer.
// The answers then show that they do not wait for the engine.
func checkAnswersWithoutEngine(t *testing.T, server *testserver.Server) {
	t.Helper()
	for _, path := range withoutEngine {
		if got := get(t, server, path); got.code != http.StatusOK {
			t.Errorf("%s: %d: %.300s", path, got.code, got.body)
		}
	}
}

// asked returns the requests to the engine behind the proxy while do runs. It leaves out the pings, because the server sends
// them all the time to find out whether the engine answers.
func asked(proxy *dockerproxy.Proxy, do func()) (requests []dockerproxy.Request) {
	proxy.Reset()
	do()
	return slices.DeleteFunc(proxy.Requests(), func(r dockerproxy.Request) bool { return strings.HasSuffix(r.URI, "/_ping") })
}

// open opens a watch of the changes of containers from now on.
func open(t *testing.T, server *testserver.Server) watch.Interface {
	t.Helper()
	set, err := versioned.NewForConfig(server.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	client := set.ContainersV1alpha1().Containers(testserver.Namespace)
	list, err := client.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w, err := client.Watch(t.Context(), metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	return w
}

// event is an event of a watch of containers.
type event struct {
	kind      watch.EventType
	container *v1alpha1.Container
}

// until returns the events of a watch that come before the first event of the container with that name.
func until(t *testing.T, w watch.Interface, name string) []event {
	t.Helper()
	var events []event
	timeout := time.After(patience)
	for {
		select {
		case next, ok := <-w.ResultChan():
			if !ok {
				t.Fatal("the watch has ended")
			}
			container, ok := next.Object.(*v1alpha1.Container)
			if !ok {
				t.Fatalf("the watch says %s %v", next.Type, next.Object)
			}
			if container.Name == name {
				return events
			}
			events = append(events, event{next.Type, container})
		case <-timeout:
			t.Fatalf("the watch has no event of %s", name)
		}
	}
}
