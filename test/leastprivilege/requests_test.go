// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package leastprivilege

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/docker/docker/api/types/versions"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/test/dockerproxy"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// TestEveryRequestOnTheListIsNeeded uses every feature of the server and checks that each request in connection.Requests was sent. The
// proxy ends the test process if the server sends any other request.
func TestEveryRequestOnTheListIsNeeded(t *testing.T) {
	web, job, volume, used := engine.UniqueName("web"), engine.UniqueName("job"), engine.UniqueName("data"), engine.UniqueName("used")
	image := engine.UniqueName("image") + ":v1"
	eng.Run(t, web)
	eng.Create(t, job)
	eng.Image(t, image)
	eng.DanglingImage(t)
	eng.Volume(t, volume, nil)
	network := engine.UniqueName("net")
	eng.Network(t, network, nil)
	eng.Create(t, used, engine.FromImage(image))

	dir, err := os.MkdirTemp("", "proxy-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	proxy, err := dockerproxy.Start(dir, eng.Host())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proxy.Close() })

	// Make the engine refuse HEAD, and make it answer the first removal with "already in progress". Make it refuse to connect
	// the first new container to its second network, so that the container has to be removed again.
	var removals, connects atomic.Int64
	proxy.Fail(func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.Method == http.MethodHead && strings.HasSuffix(r.URL.Path, "/_ping"):
			w.WriteHeader(http.StatusMethodNotAllowed)
		case r.Method == http.MethodDelete && strings.Contains(r.URL.Path, "/containers/") && removals.Add(1) == 1:
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusConflict)
			fmt.Fprint(w, `{"message":"removal of container is already in progress"}`)
		case strings.HasSuffix(r.URL.Path, "/connect") && connects.Add(1) == 1:
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"message":"no way to the network"}`)
		case strings.HasSuffix(r.URL.Path, "/wait"):
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, `{"StatusCode":0}`)
		default:
			return false
		}
		return true
	})
	config := testserver.Start(t, proxy.Host()).Config(t)

	get := func(path string) string { return must(t, config, http.StatusOK, http.MethodGet, namespace+path, "") }
	patch := func(body string) {
		must(t, config, http.StatusOK, http.MethodPatch, namespace+"/containers/"+web, body)
	}
	remove := func(code int, path string) { must(t, config, code, http.MethodDelete, namespace+path, "") }
	eventually(t, "the engine is shown", func() bool {
		code, _ := ask(t, config, http.MethodGet, namespace+"/images", "")
		return code == http.StatusOK
	})
	get("/containers/" + web)
	get("/images/" + image)
	get("/volumes/" + volume)
	get("/networks/" + network)
	for _, state := range []string{"paused", "running", "created", "running"} {
		patch(`{"spec":{"state":"` + state + `"}}`)
	}
	patch(`{"metadata":{"annotations":{"containers.rancherdesktop.io/action":"restart","containers.rancherdesktop.io/stop-timeout-seconds":"1"}}}`)
	get("/containers/" + web + "/log?timestamps=true&tailLines=1&sinceTime=2026-01-02T03:04:05.000000006Z&untilTime=2036-01-02T03:04:05Z")
	get("/containers/" + job + "/log?follow=true")
	get("/containers/" + web + "/top?psArgs=aux")
	eventually(t, "the container is measured", func() bool {
		code, _ := ask(t, config, http.MethodGet, namespace+"/containermetrics/"+web, "")
		return code == http.StatusOK
	})
	useSessions(t, config, web)
	usePullsAndPushes(t, config)
	must(t, config, http.StatusCreated, http.MethodPost, namespace+"/containers/"+web+"/kill", `{"signal":"CONT"}`)
	must(t, config, http.StatusCreated, http.MethodPost, namespace+"/containers/"+web+"/rename", `{"newName":"`+web+`-renamed"}`)
	web += "-renamed"
	must(t, config, http.StatusCreated, http.MethodPost, namespace+"/images", `{"metadata":{"name":"`+engine.UniqueName("tagged")+`:v1"},"spec":{"from":"busybox:latest"}}`)
	must(t, config, http.StatusCreated, http.MethodPost, namespace+"/volumes", `{"metadata":{"name":"`+volume+`-made"}}`)
	must(t, config, http.StatusCreated, http.MethodPost, namespace+"/networks", `{"metadata":{"name":"`+network+`-made"}}`)
	remove(http.StatusOK, "/volumes/"+volume+"-made")
	remove(http.StatusOK, "/networks/"+network+"-made")
	remove(http.StatusConflict, "/images/"+image)
	remove(http.StatusOK, "/containers/"+job) // the first removal: the engine answers that it is already in progress
	makeContainers(t, config, network)
	changeContainer(t, config)
	remove(http.StatusOK, "/containers/"+used+"?gracePeriodSeconds=0")
	remove(http.StatusOK, "/images/"+image+"?gracePeriodSeconds=0")
	remove(http.StatusOK, "/volumes/"+volume)
	remove(http.StatusOK, "/networks/"+network)
	remove(http.StatusOK, "/containers/"+web+"?gracePeriodSeconds=5")
	eventually(t, "the container is removed", func() bool {
		code, _ := ask(t, config, http.MethodGet, namespace+"/containers/"+web, "")
		return code == http.StatusNotFound
	})

	unused := sets.New[string]()
	for _, r := range connection.Requests {
		unused.Insert(r.Method + " " + r.Path)
		for _, parameter := range r.Query {
			unused.Insert(r.Method + " " + r.Path + " with " + parameter)
		}
	}
	for _, made := range proxy.Requests() {
		target, err := url.Parse(made.URI)
		if err != nil {
			t.Fatal(err)
		}
		r, _ := connection.FindRequest(made.Method, target)
		unused.Delete(r.Method + " " + r.Path)
		for parameter := range target.Query() {
			unused.Delete(r.Method + " " + r.Path + " with " + parameter)
		}
	}
	if versions.GreaterThanOrEqualTo(eng.Client().ClientVersion(), "1.44") {
		// Such an engine connects new containers to all their networks by itself.
		unused.Delete("POST /networks/{network}/connect", "DELETE /containers/{id} with v")
	}
	for _, request := range sets.List(unused) {
		t.Errorf("nothing needs %s", request)
	}
}

// changeContainer takes a container off its network and changes its limits.
func changeContainer(t *testing.T, config *rest.Config) {
	t.Helper()
	network, name := engine.UniqueName("left"), engine.UniqueName("changed")
	eng.Network(t, network, nil)
	must(t, config, http.StatusCreated, http.MethodPost, namespace+"/containers",
		fmt.Sprintf(`{"metadata":{"name":%q},"spec":{"image":"busybox:latest","state":"created","networks":[{"name":%q}]}}`, name, network))
	must(t, config, http.StatusOK, http.MethodPatch, namespace+"/containers/"+name, `{"spec":{"networks":null,"resources":{"pids":50}}}`)
	must(t, config, http.StatusOK, http.MethodDelete, namespace+"/containers/"+name+"?gracePeriodSeconds=0", "")
}

// makeContainers makes one container for a platform, and one on two networks.
func makeContainers(t *testing.T, config *rest.Config, network string) {
	t.Helper()
	another := engine.UniqueName("another")
	eng.Network(t, another, nil)
	for _, make := range []struct {
		name, spec string
		code       int
	}{
		{engine.UniqueName("new"), `"networkMode":"none","platform":"linux/` + runtime.GOARCH + `"`, http.StatusCreated},
		{engine.UniqueName("undone"), fmt.Sprintf(`"networks":[{"name":%q},{"name":%q}]`, another, network), http.StatusForbidden},
	} {
		if versions.GreaterThanOrEqualTo(eng.Client().ClientVersion(), "1.44") {
			make.code = http.StatusCreated
		}
		body := fmt.Sprintf(`{"metadata":{"name":%q},"spec":{"image":"busybox:latest","args":["sleep","1000"],%s}}`, make.name, make.spec)
		must(t, config, make.code, http.MethodPost, namespace+"/containers", body)
		if make.code == http.StatusCreated {
			must(t, config, http.StatusOK, http.MethodDelete, namespace+"/containers/"+make.name+"?gracePeriodSeconds=0", "")
		}
	}
}
