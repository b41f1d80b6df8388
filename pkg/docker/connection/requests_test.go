// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package connection

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	dockertypes "github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/build"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/registry"
	"github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"
	"k8s.io/component-base/metrics/testutil"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
)

// guarded returns a client with the same guard as the server's.
func guarded(t *testing.T, host string) *client.Client {
	t.Helper()
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	e, err := Resolve(host, Full)
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := e.client()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func refusals(t *testing.T) float64 {
	t.Helper()
	n, err := testutil.GetCounterMetricValue(refusedRequests)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// listen starts a server in the place of an engine. asked returns the method and path of each request that reached it,
// without the API version.
func listen(t *testing.T) (host string, asked func() []string) {
	t.Helper()
	var mu sync.Mutex
	var all []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, r.Method+" "+r.URL.Path)
		w.Header().Set("Api-Version", "1.51")
	}))
	t.Cleanup(server.Close)
	return "tcp://" + server.Listener.Addr().String(), func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

func TestWhatIsNotOnTheListNeverReachesAnEngine(t *testing.T) {
	host, asked := listen(t)
	c := guarded(t, host)
	for name, call := range map[string]func(context.Context) error{
		"exec by name": func(ctx context.Context) error {
			_, err := c.ContainerExecCreate(ctx, "web", container.ExecOptions{})
			return err
		},
		"exec start by short ID": func(ctx context.Context) error {
			return c.ContainerExecStart(ctx, dockertest.IDA[:12], container.ExecStartOptions{Detach: true})
		},
		"logs with attributes": func(ctx context.Context) error {
			_, err := c.ContainerLogs(ctx, dockertest.IDA, container.LogsOptions{Details: true})
			return err
		},
		"logs by name": func(ctx context.Context) error {
			_, err := c.ContainerLogs(ctx, "web", container.LogsOptions{})
			return err
		},
		"export": func(ctx context.Context) error { _, err := c.ContainerExport(ctx, dockertest.IDA); return err },
		"copy by name": func(ctx context.Context) error {
			_, _, err := c.CopyFromContainer(ctx, "web", "/")
			return err
		},
		"commit": func(ctx context.Context) error {
			_, err := c.ContainerCommit(ctx, dockertest.IDA, container.CommitOptions{})
			return err
		},
		"rename by name": func(ctx context.Context) error { return c.ContainerRename(ctx, "web", "other") },
		"update by name": func(ctx context.Context) error {
			_, err := c.ContainerUpdate(ctx, "web", container.UpdateConfig{})
			return err
		},
		"disconnect by name": func(ctx context.Context) error { return c.NetworkDisconnect(ctx, "net", dockertest.IDA, true) },
		"kill by name":       func(ctx context.Context) error { return c.ContainerKill(ctx, "web", "KILL") },
		"prune":              func(ctx context.Context) error { _, err := c.ContainersPrune(ctx, filters.Args{}); return err },
		"stop by name": func(ctx context.Context) error {
			return c.ContainerStop(ctx, "web", container.StopOptions{})
		},
		"stop by short ID": func(ctx context.Context) error {
			return c.ContainerStop(ctx, dockertest.IDA[:12], container.StopOptions{})
		},
		"stop with a signal": func(ctx context.Context) error {
			return c.ContainerStop(ctx, dockertest.IDA, container.StopOptions{Signal: "KILL"})
		},
		"removal of a parent directory": func(ctx context.Context) error {
			return c.VolumeRemove(ctx, "../containers/"+dockertest.IDA+"/x", false)
		},
		"forced removal of a volume": func(ctx context.Context) error { return c.VolumeRemove(ctx, "data", true) },
		"image without a name": func(ctx context.Context) error {
			_, err := c.ImageRemove(ctx, " ", image.RemoveOptions{})
			return err
		},
		"import": func(ctx context.Context) error {
			_, err := c.ImageImport(ctx, image.ImportSource{Source: strings.NewReader(""), SourceName: "-"}, "busybox", image.ImportOptions{})
			return err
		},
		"save": func(ctx context.Context) error { _, err := c.ImageSave(ctx, []string{"busybox"}); return err },
		"load": func(ctx context.Context) error {
			_, err := c.ImageLoad(ctx, strings.NewReader(""))
			return err
		},
		"build": func(ctx context.Context) error {
			_, err := c.ImageBuild(ctx, strings.NewReader(""), build.ImageBuildOptions{})
			return err
		},
		"tag":                              func(ctx context.Context) error { return c.ImageTag(ctx, "busybox", "other") },
		"network connection by its name":   func(ctx context.Context) error { return c.NetworkConnect(ctx, "web", dockertest.IDB, nil) },
		"removal of a network by its name": func(ctx context.Context) error { return c.NetworkRemove(ctx, "back") },
		"login": func(ctx context.Context) error {
			_, err := c.RegistryLogin(ctx, registry.AuthConfig{})
			return err
		},
		"plugin": func(ctx context.Context) error {
			return c.PluginEnable(ctx, "plugin", dockertypes.PluginEnableOptions{})
		},
		"swarm":   func(ctx context.Context) error { _, err := c.SwarmInit(ctx, swarm.InitRequest{}); return err },
		"secrets": func(ctx context.Context) error { _, err := c.SecretList(ctx, swarm.SecretListOptions{}); return err },
	} {
		before := refusals(t)
		if err := call(t.Context()); err == nil || !strings.Contains(err.Error(), "is kept from the container engine") {
			t.Errorf("%s: %v", name, err)
		}
		if refusals(t) != before+1 {
			t.Errorf("%s: the metric counted %v", name, refusals(t)-before)
		}
	}
	for _, request := range asked() {
		if request != "HEAD /_ping" && request != "GET /_ping" {
			t.Errorf("the engine was asked to %s", request)
		}
	}
}

func TestWhatIsOnTheListReachesAnEngineBehindAPath(t *testing.T) {
	host, asked := listen(t)
	c, err := client.NewClientWithOpts(client.WithHost(host+"/base"), client.WithVersion("1.41"), func(c *client.Client) error {
		guard, err := newGuard(c, Full)
		if err == nil {
			guard.protect(c.HTTPClient().Transport.(*http.Transport))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.VolumeRemove(t.Context(), "data", false); err != nil || !slices.Equal(asked(), []string{"DELETE /base/v1.41/volumes/data"}) {
		t.Errorf("%v, %q", err, asked())
	}
	if err := c.VolumeRemove(t.Context(), "../../../volumes/data", false); err == nil {
		t.Error("a path outside the API gets through")
	}
}

func TestRequestsAreFoundByMethodPathAndQuery(t *testing.T) {
	for request, want := range map[string]string{
		"GET /v1.41/containers/web/json":                                                      "/containers/{name}/json",
		"GET /containers/" + dockertest.IDA + "/json":                                         "/containers/{name}/json",
		"GET /v1.51/images/localhost:5000/a/b:v1/json":                                        "/images/{reference}/json",
		"GET /v1.51/images/sha256:" + dockertest.IDA + "/json":                                "/images/{reference}/json",
		"GET /v1.41/containers/json?all=1":                                                    "/containers/json",
		"POST /v1.41/containers/" + dockertest.IDA + "/stop?t=3":                              "/containers/{id}/stop",
		"DELETE /v1.41/containers/" + dockertest.IDA + "?force=1":                             "/containers/{id}",
		"POST /v1.41/images/sha256:" + dockertest.IDA + "/tag?repo=localhost:5000/a/b&tag=v1": "/images/{image}/tag",
		"POST /v1.41/images/busybox/tag?repo=a&tag=v1":                                        "",
		"POST /v1.41/images/sha256:" + dockertest.IDA + "/tag?repo=a&tag=v1&force=1":          "",
		"HEAD /_ping":                                                 "/_ping",
		"GET /v1.41/containers/two%20words/json":                      "/containers/{name}/json",
		"GET /v1.41/containers/json/json":                             "/containers/{name}/json",
		"GET /v1.41/volumes/vol@store":                                "/volumes/{volume}",
		"DELETE /v1.41/volumes/team/share":                            "/volumes/{volume}",
		"POST /v1.41/volumes/create":                                  "/volumes/create",
		"POST /v1.41/volumes/create?name=a":                           "",
		"POST /v1.41/volumes/prune":                                   "",
		"POST /v1.41/networks/create":                                 "/networks/create",
		"DELETE /v1.41/volumes/a%3Fforce=1":                           "/volumes/{volume}",
		"DELETE /v1.41/volumes/":                                      "",
		"GET /v1.41/networks":                                         "/networks",
		"GET /v1.41/networks/" + dockertest.IDA:                       "/networks/{network}",
		"GET /v1.41/networks/t5ch4nazcpwvtm2rqm0edgbyd":               "/networks/{network}",
		"DELETE /v1.41/networks/" + dockertest.IDA:                    "/networks/{network}",
		"GET /v1.41/networks/bridge":                                  "",
		"DELETE /v1.41/networks/" + dockertest.IDA[:12]:               "",
		"GET /v1.41/networks/" + dockertest.IDA + "?verbose=true":     "",
		"DELETE /v1.41/volumes/%2e%2e/containers/web":                 "",
		"DELETE /v1.41/volumes/..%2fcontainers%2fweb":                 "",
		"GET /v1.41/volumes/team//share":                              "",
		"GET /v1.41/volumes/team/share/":                              "",
		"GET /v1.41/volumes/team%2fshare%2f":                          "",
		"GET /v1.41/volumes/%20a":                                     "",
		"GET /v1.41/volumes/a%0a":                                     "",
		"GET /v1.41/volumes/a%ff":                                     "",
		"GET /v1.41/containers/a/b/json":                              "",
		"GET /v1.41/containers/a%2fb/json":                            "",
		"DELETE /v1.41/containers/" + dockertest.IDA + "?force=1&v=1": "/containers/{id}",
		"DELETE /v1.41/containers/" + dockertest.IDA + "?link=1":      "",
		"DELETE /v1.41/containers/web":                                "",
		"DELETE /v1.41/containers/" + dockertest.IDA + "?force=1;v=1": "",
		"delete /v1.41/containers/" + dockertest.IDA:                  "",
		"GET /v1.41/containers/" + dockertest.IDA + "/logs?follow=1&since=1.000000002&stderr=1&stdout=1&tail=all&timestamps=1&until=2": "/containers/{id}/logs",
		"GET /v1.41/containers/" + dockertest.IDA + "/logs?details=1":                                                                  "",
		"GET /v1.41/containers/web/logs":                                                                 "",
		"GET /v1.41/containers/" + dockertest.IDA + "/top?ps_args=-ef":                                   "/containers/{id}/top",
		"GET /v1.41/containers/" + dockertest.IDA + "/stats?one-shot=true&stream=false":                  "/containers/{id}/stats",
		"POST /v1.41/containers/" + dockertest.IDA + "/kill?signal=9":                                    "/containers/{id}/kill",
		"POST /v1.41/containers/" + dockertest.IDA + "/rename?name=other":                                "/containers/{id}/rename",
		"POST /v1.41/containers/" + dockertest.IDA + "/update":                                           "/containers/{id}/update",
		"POST /v1.41/containers/web/update":                                                              "",
		"POST /v1.41/networks/" + dockertest.IDA + "/connect":                                            "/networks/{network}/connect",
		"POST /v1.41/networks/" + dockertest.IDA + "/disconnect":                                         "/networks/{network}/disconnect",
		"POST /v1.41/networks/back/connect":                                                              "",
		"POST /v1.41/containers/" + dockertest.IDA + "/attach?stream=1":                                  "/containers/{id}/attach",
		"POST /v1.41/containers/web/attach":                                                              "",
		"GET /v1.41/containers/" + dockertest.IDA + "/attach/ws":                                         "",
		"POST /v1.41/containers/" + dockertest.IDA + "/exec":                                             "/containers/{id}/exec",
		"POST /v1.41/containers/web/exec":                                                                "",
		"POST /v1.41/exec/" + dockertest.IDA + "/start":                                                  "/exec/{id}/start",
		"POST /v1.41/exec/web/start":                                                                     "",
		"GET /v1.41/containers/../volumes/json":                                                          "",
		"GET /v1.41/containers/web/../json":                                                              "",
		"GET /v1.41/containers//json":                                                                    "",
		"GET /v1.41/v1.41/containers/json":                                                               "",
		"GET /v1.41/containers/web/json/":                                                                "",
		"GET /v1.41/images/busybox/get":                                                                  "",
		"GET /v1.41/images/busybox/../../volumes/data/json":                                              "",
		"DELETE /v1.41/images/":                                                                          "",
		"GET /v1.41/images/%2e%2e/json":                                                                  "",
		"POST /v1.41/images/create?fromImage=docker.io%2Flibrary%2Fbusybox&platform=linux%2Farm64&tag=1": "/images/create",
		"POST /v1.41/images/create?fromSrc=-":                                                            "",
		"POST /v1.41/images/127.0.0.1:5000/team/tool/push?tag=v1":                                        "/images/{reference}/push",
		"POST /v1.41/images/busybox/tag?repo=other":                                                      "",
		"POST /v1.41/images/%2e%2e/push":                                                                 "",
		"POST /v1.41/containers/create?name=web&platform=linux%2Farm64":                                  "/containers/create",
		"POST /v1.41/containers/create?name=web&fromSrc=-":                                               "",
		"POST /v1.41/networks/web/connect":                                                               "",
		"POST /v1.41/containers/prune":                                                                   "",
		"POST /v1.41/build":                                                                              "",
		"POST /session":                                                                                  "",
		"GET /":                                                                                          "",
	} {
		method, uri, _ := strings.Cut(request, " ")
		target, err := url.Parse(uri)
		if err != nil {
			t.Fatal(err)
		}
		found, ok := FindRequest(method, target)
		if found.Path != want || ok != (want != "") {
			t.Errorf("%s is %q, want %q", request, found.Path, want)
		}
	}
}

func TestConnectionsForStreamsPassTheList(t *testing.T) {
	for _, test := range []struct {
		access     Access
		path, want string
	}{
		{Full, "/containers/web/attach", "is not on the list"},
		{Full, "/build", "is not on the list"},
		{Operate, "/containers/" + dockertest.IDA + "/attach", "the server needs --engine-access=full"},
		{Operate, "/exec/" + dockertest.IDA + "/start", "the server needs --engine-access=full"},
	} {
		host, asked := listen(t)
		t.Setenv("DOCKER_CONFIG", t.TempDir())
		e, err := Resolve(host, test.access)
		dockertest.Must(t, err)
		docker, transport, err := e.client()
		dockertest.Must(t, err)
		c := NewClient(e)
		c.Use(New(t.Context(), docker, transport, nil))
		if _, err := c.Upgrade(t.Context(), test.path, nil, container.ExecStartOptions{}); !dockertest.Contains(err, test.want) {
			t.Errorf("%s: %v, want %s", test.path, err, test.want)
		}
		for _, request := range asked() {
			t.Errorf("the engine was asked to %s", request)
		}
	}
}

func TestOnlyARequestWhoseLineSaysSoHasABody(t *testing.T) {
	host, asked := listen(t)
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	e, err := Resolve(host, Full)
	dockertest.Must(t, err)
	docker, transport, err := e.client()
	dockertest.Must(t, err)
	c := NewClient(e)
	c.Use(New(t.Context(), docker, transport, nil))
	if _, err := c.Upgrade(t.Context(), "/containers/"+dockertest.IDA+"/attach", nil, container.ExecStartOptions{}); !dockertest.Contains(err, "is kept from") {
		t.Errorf("an attach with a body: %v", err)
	}
	for _, request := range asked() {
		t.Errorf("the engine was asked to %s", request)
	}
}

func TestTheDocumentationShowsTheList(t *testing.T) {
	text, err := os.ReadFile("../../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for _, r := range Requests {
		want.WriteString("| `" + r.String() + "` | " + string(r.Access) + " | " + r.Why + " |\n")
	}
	_, rows, _ := strings.Cut(string(text), "| request | access | what for |\n|---|---|---|\n")
	rows, _, _ = strings.Cut(rows, "\n\n")
	if rows+"\n" != want.String() {
		t.Errorf("the list in docs/security.md is not\n%s", want.String())
	}
}
