// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package outage

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

func TestAServerWithoutAnEngineSaysSoAndServesOnceThereIsOne(t *testing.T) {
	socket := newSocket(t)
	server := testserver.StartUnread(t, socket.host())
	if !strings.Contains(server.Announced, "no container engine listens on "+socket.host()) || !strings.Contains(server.Announced, "keeps trying") {
		t.Errorf("the server said: %s", server.Announced)
	}
	checkAnswersWithoutEngine(t, server)
	for _, kind := range []string{"containers", "images", "volumes"} {
		checkRefused(t, kind, get(t, server, namespace+"/"+kind), socket.host())
	}
	if got := get(t, server, namespace+"/containernamespaces"); got.code != http.StatusOK {
		t.Errorf("containernamespaces: %d %s", got.code, got.body)
	}

	name := engine.UniqueName("before")
	eng.Create(t, name)
	socket.leadTo(t, eng)
	awaitCode(t, server, http.StatusOK)
	if got := get(t, server, namespace+"/containers/"+name); got.code != http.StatusOK {
		t.Errorf("%d %s", got.code, got.body)
	}
}

func TestAnEngineThatIsKilledIsNoLongerShownUntilItIsBack(t *testing.T) {
	running, created := engine.UniqueName("running"), engine.UniqueName("created")
	eng.Run(t, running)
	eng.Create(t, created)
	volume := engine.UniqueName("volume")
	eng.Volume(t, volume, nil)
	server := testserver.Start(t, eng.Host())
	strict := testserver.Start(t, eng.Host(), "--ready-requires-engine")
	watches := []watch.Interface{open(t, server), open(t, server)}
	if got := get(t, strict, "/readyz"); got.code != http.StatusOK {
		t.Errorf("/readyz with an engine: %d %s", got.code, got.body)
	}

	if err := eng.Kill(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := eng.Restart(); err != nil {
			t.Error(err)
		}
	})
	awaitCode(t, server, http.StatusServiceUnavailable)
	awaitCode(t, strict, http.StatusServiceUnavailable)

	t.Run("reads are refused", func(t *testing.T) {
		for _, path := range []string{
			"/containers", "/containers?resourceVersion=0", "/containers?limit=1", "/containers/" + running, "/containers/" + running + "?resourceVersion=0",
			"/images", "/images?resourceVersion=0", "/images/busybox:latest", "/volumes", "/volumes/" + volume, "/volumes?resourceVersion=0",
			"/containers?watch=true&timeoutSeconds=5", "/containers?watch=true&timeoutSeconds=5&resourceVersion=0",
		} {
			checkRefused(t, path, get(t, server, namespace+path), eng.Host())
		}
		checkRefused(t, "all namespaces", get(t, server, group+"/containers"), eng.Host())
	})
	t.Run("writes are refused", func(t *testing.T) {
		for _, path := range []string{"/containers/" + running, "/images/busybox:latest", "/volumes/" + volume, "/containers", "/images", "/volumes"} {
			checkRefused(t, "DELETE "+path, ask(t, server, http.MethodDelete, namespace+path, ""), eng.Host())
		}
		checkRefused(t, "PATCH", ask(t, server, http.MethodPatch, namespace+"/containers/"+running, `{"spec":{"state":"created"}}`), eng.Host())
	})
	t.Run("requests that need no engine are answered", func(t *testing.T) {
		checkAnswersWithoutEngine(t, server)
	})
	t.Run("by default only the engine's own path is not ready", func(t *testing.T) {
		if got := get(t, server, "/readyz/container-engine"); got.code != http.StatusInternalServerError {
			t.Errorf("%d %s", got.code, got.body)
		}
		if got := get(t, server, "/readyz?verbose"); got.code != http.StatusOK || !strings.Contains(got.body, "container-engine") {
			t.Errorf("%d %s", got.code, got.body)
		}
	})
	t.Run("a server that requires the engine is not ready", func(t *testing.T) {
		if got := get(t, strict, "/readyz"); got.code != http.StatusInternalServerError {
			t.Errorf("/readyz: %d %s", got.code, got.body)
		}
		if got := get(t, strict, "/livez"); got.code != http.StatusOK {
			t.Errorf("/livez: %d %s", got.code, got.body)
		}
	})

	if err := eng.Restart(); err != nil {
		t.Fatal(err)
	}
	awaitCode(t, server, http.StatusOK)
	awaitCode(t, strict, http.StatusOK)
	if got := get(t, strict, "/readyz"); got.code != http.StatusOK {
		t.Errorf("/readyz with an engine again: %d %s", got.code, got.body)
	}
	t.Run("watches get the differences and nothing else", func(t *testing.T) {
		marker := engine.UniqueName("marker")
		eng.Create(t, marker)
		for _, w := range watches {
			var last *v1alpha1.Container
			for _, e := range until(t, w, marker) {
				if e.kind != watch.Modified || e.container.Name != running {
					t.Errorf("the watch says %s %s", e.kind, e.container.Name)
				}
				if last != nil && equality.Semantic.DeepEqual(last.Status, e.container.Status) {
					t.Errorf("the watch says twice that %s is %s", e.container.Name, e.container.Status.Status)
				}
				last = e.container
			}
			if last == nil || last.Status.Status != v1alpha1.ContainerDockerStatusExited {
				t.Errorf("the watch does not say that %s has exited: %+v", running, last)
			}
		}
	})
}

// The engine hangs while the requests run. The timeout of a request is longer than the test. So if an answer comes at all, it waits
// neither for the engine nor for that timeout.
func TestAnEngineThatHangsHoldsUpNobody(t *testing.T) {
	name := engine.UniqueName("any")
	eng.Create(t, name)
	proxy := newProxy(t)
	server := testserver.Start(t, proxy.Host(), endlessRequests)
	w := open(t, server)

	if err := eng.Pause(); err != nil {
		t.Fatal(err)
	}
	paused := true
	resume := func() {
		if paused {
			paused = false
			if err := eng.Resume(); err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(resume)
	if requests := asked(proxy, func() { checkAnswersWithoutEngine(t, server) }); len(requests) > 0 {
		t.Errorf("the server asked the engine %v for answers that need no engine", requests)
	}
	for _, path := range []string{"/containers", "/images", "/volumes", "/containers/" + name, "/containers/" + engine.UniqueName("missing"), "/images/nosuch:latest"} {
		got := get(t, server, namespace+path)
		if got.code != http.StatusServiceUnavailable && got.code != http.StatusGatewayTimeout {
			t.Errorf("%s: %d: %s", path, got.code, got.body)
		}
		if !strings.Contains(got.body, proxy.Host()) {
			t.Errorf("%s: the answer does not name the engine: %s", path, got.body)
		}
	}
	awaitCode(t, server, http.StatusServiceUnavailable)
	requests := asked(proxy, func() {
		checkRefused(t, "a list after the server has given up the engine", get(t, server, namespace+"/containers"), proxy.Host())
	})
	if len(requests) > 0 {
		t.Errorf("the server asked the engine %v for a list after it had given up the engine", requests)
	}

	resume()
	awaitCode(t, server, http.StatusOK)
	marker := engine.UniqueName("marker")
	eng.Create(t, marker)
	if events := until(t, w, marker); len(events) > 0 {
		t.Errorf("the watch says %v", events)
	}
}

func TestAnotherEngineAtTheSameEndpointIsShownByTheDifferences(t *testing.T) {
	first := engine.StartFor(t)
	gone, both, came, marker := engine.UniqueName("gone"), engine.UniqueName("both"), engine.UniqueName("came"), engine.UniqueName("marker")
	first.Create(t, gone)
	formerID := first.Create(t, both)
	id := eng.Create(t, both)
	eng.Create(t, came)
	first.Volume(t, gone, nil)
	first.Image(t, gone+":v1")
	eng.Volume(t, came, nil)
	eng.Image(t, came+":v1")

	socket := newSocket(t)
	socket.leadTo(t, first)
	server := testserver.Start(t, socket.host())
	w := open(t, server)
	socket.leadTo(t, eng)
	if err := first.Kill(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := first.Restart(); err != nil {
			t.Error(err)
		}
	})
	eventually(t, func() error {
		if got := get(t, server, namespace+"/containers/"+came); got.code != http.StatusOK {
			return fmt.Errorf("%d %s", got.code, got.body)
		}
		return nil
	})
	awaitCondition(t, server, v1alpha1.EngineSynced, metav1.ConditionTrue, v1alpha1.EngineSyncedReason)
	for path, code := range map[string]int{
		"/volumes/" + gone: http.StatusNotFound, "/images/" + gone + ":v1": http.StatusNotFound,
		"/volumes/" + came: http.StatusOK, "/images/" + came + ":v1": http.StatusOK,
	} {
		if got := get(t, server, namespace+path); got.code != code {
			t.Errorf("%s: %d, want %d: %s", path, got.code, code, got.body)
		}
	}
	eng.Create(t, marker)

	said := sets.New[string]()
	var ofBoth []string
	for _, e := range until(t, w, marker) {
		said.Insert(fmt.Sprint(e.kind, " ", e.container.Name))
		if e.container.Name == both {
			ofBoth = append(ofBoth, fmt.Sprint(e.kind, " ", e.container.Status.ID))
		}
	}
	if want := []string{"DELETED " + formerID, "ADDED " + id}; !equality.Semantic.DeepEqual(ofBoth, want) {
		t.Errorf("the watch says of %s: %v, want %v", both, ofBoth, want)
	}
	for _, want := range []string{"DELETED " + gone, "ADDED " + came} {
		if !said.Has(want) {
			t.Errorf("the watch does not say %s, but %v", want, sets.List(said))
		}
	}
}
