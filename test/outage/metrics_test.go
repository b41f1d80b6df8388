// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package outage

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/dockerproxy"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

const metrics = namespace + "/containermetrics"

// startBehindProxy starts a server whose requests to the engine pass a proxy.
func startBehindProxy(t *testing.T) (*testserver.Server, *dockerproxy.Proxy) {
	t.Helper()
	proxy, err := dockerproxy.Start(newSocket(t).dir(), eng.Host())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proxy.Close() })
	server := testserver.Start(t, proxy.Host())
	awaitCode(t, server, http.StatusOK)
	return server, proxy
}

func isForStats(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/stats") }

// awaitMeasured waits until there are metrics of a container, with a rate. An engine may be slow to measure.
func awaitMeasured(t *testing.T, server *testserver.Server, name string) {
	t.Helper()
	eventually(t, func() error {
		got := get(t, server, metrics+"/"+name)
		var shown v1alpha1.ContainerMetrics
		if err := json.Unmarshal([]byte(got.body), &shown); got.code != http.StatusOK || err != nil || shown.Usage.CPU == nil {
			return fmt.Errorf("%d %v: %s", got.code, err, got.body)
		}
		return nil
	})
}

func TestTheEngineIsAskedForStatsOnlyIfSomebodyAsksForMetrics(t *testing.T) {
	name := engine.UniqueName("sampled")
	id := eng.Run(t, name)
	server, proxy := startBehindProxy(t)
	forStats := func(r dockerproxy.Request) bool { return strings.Contains(r.URI, "/stats") }
	requests := asked(proxy, func() {
		for _, path := range []string{"/containers", "/containers/" + name, "/images", "/engines", "/containers/" + name + "/top"} {
			if got := get(t, server, namespace+path); got.code != http.StatusOK {
				t.Errorf("%s: %d %s", path, got.code, got.body)
			}
		}
		get(t, server, "/metrics")
		get(t, server, "/readyz")
		get(t, server, strings.Replace(metrics, testserver.Namespace, "other", 1))
	})
	if slices.ContainsFunc(requests, forStats) {
		t.Errorf("the engine was asked: %v", requests)
	}
	began := time.Now()
	requests = asked(proxy, func() { awaitMeasured(t, server, name) })
	own := slices.DeleteFunc(requests, func(r dockerproxy.Request) bool { return !strings.Contains(r.URI, id+"/stats") })
	if most := 2 + int(time.Since(began)/(15*time.Second)); len(own) < 2 || len(own) > most {
		t.Errorf("the first reader causes the requests %v", own)
	}
}

func TestAStuckContainerHoldsUpTheMetricsOfNoOther(t *testing.T) {
	stuck, other := engine.UniqueName("stuck"), engine.UniqueName("other")
	id := eng.Run(t, stuck)
	eng.Run(t, other)
	server, proxy := startBehindProxy(t)
	proxy.Fail(dockerproxy.Stall(func(r *http.Request) bool { return strings.Contains(r.URL.Path, id+"/stats") }))
	awaitMeasured(t, server, other)
	if got := get(t, server, metrics); got.code != http.StatusOK || !strings.Contains(got.body, other) || strings.Contains(got.body, stuck) {
		t.Errorf("%d %s", got.code, got.body)
	}
	eventually(t, func() error {
		if got := get(t, server, metrics+"/"+stuck); got.code != http.StatusServiceUnavailable || !strings.Contains(got.body, "no answer within 2s") {
			return fmt.Errorf("%d: %s", got.code, got.body)
		}
		return nil
	})
	scraped := get(t, server, "/metrics/resource")
	if !strings.Contains(scraped.body, other) || strings.Contains(scraped.body, `_bytes{container="`+stuck) || !strings.Contains(scraped.body, "resource_scrape_error 0") {
		t.Errorf("%s", scraped.body)
	}
}

func TestAnEngineThatRefusesStatsIsSaidInClearWords(t *testing.T) {
	name := engine.UniqueName("refused")
	eng.Run(t, name)
	server, proxy := startBehindProxy(t)
	for what, refuse := range map[string]dockerproxy.Fault{
		"a filter": dockerproxy.Refuse(isForStats),
		"an engine without stats": func(w http.ResponseWriter, r *http.Request) bool {
			if isForStats(r) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusNotFound)
				_, _ = w.Write([]byte(`{"message":"page not found"}`))
			}
			return isForStats(r)
		},
		"an engine that talks nonsense": func(w http.ResponseWriter, r *http.Request) bool {
			if isForStats(r) {
				_, _ = w.Write([]byte("stats"))
			}
			return isForStats(r)
		},
	} {
		proxy.Fail(refuse)
		for _, path := range []string{metrics, metrics + "/" + name, metrics + "?watch=true"} {
			eventually(t, func() error {
				if got := get(t, server, path); got.code != http.StatusServiceUnavailable || !strings.Contains(got.body, "does not tell what the container") {
					return fmt.Errorf("%s, %s: %d %s", what, path, got.code, got.body)
				}
				return nil
			})
		}
		if got := get(t, server, "/metrics/resource"); !strings.Contains(got.body, "resource_scrape_error 1") {
			t.Errorf("%s: %s", what, got.body)
		}
		if got := get(t, server, namespace+"/containers/"+name); got.code != http.StatusOK {
			t.Errorf("%s: the container itself is %d", what, got.code)
		}
	}
}

func TestMetricsOfAnEngineThatIsDownAreRefused(t *testing.T) {
	socket := newSocket(t)
	server := testserver.StartUnread(t, socket.host())
	checkRefused(t, "metrics", get(t, server, metrics), socket.host())
	if got := get(t, server, "/metrics/resource"); got.code != http.StatusOK || !strings.Contains(got.body, "resource_scrape_error 1") {
		t.Errorf("%d %s", got.code, got.body)
	}
}
