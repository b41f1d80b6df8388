// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package outage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/volume"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/dockerproxy"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

func newProxy(t *testing.T) *dockerproxy.Proxy {
	t.Helper()
	dir := newSocket(t).dir()
	proxy, err := dockerproxy.Start(dir, eng.Host())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proxy.Close() })
	return proxy
}

// The event log stalls while the requests run. The timeout of a request is longer than the test. So if an answer comes at all, the
// server itself has given up the event log.
func TestAnEventLogThatStallsHoldsUpNobody(t *testing.T) {
	proxy := newProxy(t)
	server := testserver.Start(t, proxy.Host(), endlessRequests)
	proxy.Fail(dockerproxy.Stall(func(r *http.Request) bool {
		return strings.HasSuffix(r.URL.Path, "/events") && r.URL.Query().Has("until")
	}))
	for _, path := range []string{"/containers", "/images/nothing:latest"} {
		got := get(t, server, namespace+path)
		if got.code != http.StatusGatewayTimeout || !strings.Contains(got.body, "the event log of the container engine at "+proxy.Host()+" was not read in time") {
			t.Errorf("%s: %d: %s", path, got.code, got.body)
		}
	}
	proxy.Fail(nil)
	awaitCode(t, server, http.StatusOK)
}

func TestAContainerThatCannotBeInspectedIsNoReasonToHideTheOthers(t *testing.T) {
	broken, other := engine.UniqueName("broken"), engine.UniqueName("other")
	id := eng.Create(t, broken)
	eng.Create(t, other)
	proxy := newProxy(t)
	server := testserver.Start(t, proxy.Host())
	proxy.Fail(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, id) {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, `{"message":"the disk is on fire"}`)
		return true
	})
	if got := get(t, server, namespace+"/containers/"+broken); got.code != http.StatusInternalServerError || !strings.Contains(got.body, "the disk is on fire") {
		t.Errorf("%d %s", got.code, got.body)
	}
	for _, path := range []string{"/containers", "/containers/" + other} {
		if got := get(t, server, namespace+path); got.code != http.StatusOK || !strings.Contains(got.body, other) {
			t.Errorf("%s: %d: %s", path, got.code, got.body)
		}
	}
}

func TestAnEngineThatTalksNonsenseIsUnavailable(t *testing.T) {
	for _, nonsense := range []string{"null", "<html>"} {
		t.Run(fmt.Sprintf("%q", nonsense), func(t *testing.T) {
			proxy := newProxy(t)
			proxy.Fail(func(w http.ResponseWriter, r *http.Request) bool {
				if strings.HasSuffix(r.URL.Path, "/_ping") {
					return false
				}
				fmt.Fprint(w, nonsense)
				return true
			})
			server := testserver.StartUnread(t, proxy.Host())
			got := get(t, server, namespace+"/containers")
			checkRefused(t, "a list", got, proxy.Host())
			proxy.Fail(nil)
			awaitCode(t, server, http.StatusOK)
		})
	}
}

// holdEvents holds back the events of the server's event stream from now on. Reads of the event log still bring the events.
func holdEvents(t *testing.T, proxy *dockerproxy.Proxy) {
	t.Helper()
	released := make(chan struct{})
	t.Cleanup(func() { close(released) })
	proxy.Tamper(func(ctx context.Context, isLog bool, lines [][]byte) ([][]byte, error) {
		if !isLog {
			select {
			case <-released:
			case <-ctx.Done():
			}
		}
		return lines, nil
	})
}

func TestADeleteActsOnWhatIsThereHoweverLateEventsCome(t *testing.T) {
	proxy := newProxy(t)
	server := testserver.Start(t, proxy.Host())
	data, tag := engine.UniqueName("anew"), engine.UniqueName("moved")+":1"
	eng.Volume(t, data, nil)
	old, err := eng.Client().VolumeInspect(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	first := eng.Image(t, tag)
	for _, path := range []string{"/volumes/" + data, "/images/" + tag} {
		if got := get(t, server, namespace+path); got.code != http.StatusOK {
			t.Fatalf("%s: %d %s", path, got.code, got.body)
		}
	}

	holdEvents(t, proxy)
	eventually(t, func() error { // the server cannot tell two volumes apart that have the same name and the same second of creation
		if err := eng.Client().VolumeRemove(t.Context(), data, false); err != nil {
			return err
		}
		made, err := eng.Client().VolumeCreate(t.Context(), volume.CreateOptions{Name: data})
		if err == nil && made.CreatedAt == old.CreatedAt {
			err = errors.New("both volumes have the same creation time")
		}
		return err
	})
	second := eng.Image(t, tag)

	for _, path := range []string{"/volumes/" + data, "/images/" + tag} {
		if got := ask(t, server, http.MethodDelete, namespace+path, ""); got.code != http.StatusOK {
			t.Errorf("%s: %d %s", path, got.code, got.body)
		}
	}
	if _, err := eng.Client().VolumeInspect(t.Context(), data); !cerrdefs.IsNotFound(err) {
		t.Errorf("the second volume still exists: %v", err)
	}
	if _, err := eng.Client().ImageInspect(t.Context(), tag); !cerrdefs.IsNotFound(err) {
		t.Errorf("the tag still exists: %v", err)
	}
	if _, err := eng.Client().ImageInspect(t.Context(), first); err != nil || first == second {
		t.Errorf("the first image, which the tag has left: %v", err)
	}
}

// imageDifferences returns how many changes of images comparisons have found.
func imageDifferences(t *testing.T, server *testserver.Server) (counted float64) {
	t.Helper()
	for line := range strings.Lines(get(t, server, "/metrics").body) {
		if labels, found := strings.CutPrefix(line, "engine_apiserver_comparison_differences_total{"); found && strings.Contains(labels, `"images.`) {
			_, value, _ := strings.Cut(strings.TrimSpace(labels), " ")
			var err error
			if counted, err = strconv.ParseFloat(value, 64); err != nil {
				t.Fatal(err)
			}
		}
	}
	return counted
}

// No client reads images live, so only a comparison can find the changes.
func TestAComparisonCountsTheImagesThatLostEventsHide(t *testing.T) {
	proxy := newProxy(t)
	server := testserver.Start(t, proxy.Host(), "--resync-period", "1s")
	awaitCondition(t, server, v1alpha1.EngineSynced, metav1.ConditionTrue, v1alpha1.EngineSyncedReason)
	proxy.Tamper(func(_ context.Context, _ bool, lines [][]byte) ([][]byte, error) {
		return slices.DeleteFunc(lines, func(line []byte) bool { return bytes.Contains(line, []byte(`"Type":"image"`)) }), nil
	})
	tag, second := engine.UniqueName("hidden")+":v1", engine.UniqueName("hidden")+":v2"
	for _, change := range []struct {
		what string
		make func()
	}{
		{"an image that came", func() { eng.Image(t, tag) }},
		{"a tag that came", func() { eng.Tag(t, tag, second) }},
		{"a tag that went", func() {
			if _, err := eng.Client().ImageRemove(t.Context(), tag, image.RemoveOptions{}); err != nil {
				t.Fatal(err)
			}
		}},
		{"an image that went", func() {
			if _, err := eng.Client().ImageRemove(t.Context(), second, image.RemoveOptions{}); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		before := imageDifferences(t, server)
		change.make()
		eventually(t, func() error {
			if imageDifferences(t, server) == before {
				return fmt.Errorf("no comparison has counted %s", change.what)
			}
			return nil
		})
	}
}
