// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	genericapiserver "k8s.io/apiserver/pkg/server"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker"
)

// serveNoEngine returns a server whose engine does not answer.
func serveNoEngine(t *testing.T, readyRequiresEngine bool) *httptest.Server {
	t.Helper()
	config := Config{GenericConfig: newTestConfig(), ExtraConfig: ExtraConfig{
		Engine:              docker.Options{Host: "unix://" + filepath.Join(t.TempDir(), "docker.sock")},
		ReadyRequiresEngine: readyRequiresEngine,
	}}
	server, err := config.Complete().New(genericapiserver.NewEmptyDelegate())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.GenericAPIServer.Destroy)
	return serve(t, server.GenericAPIServer)
}

func TestDiscoveryListsExactlyTheVerbsThatWork(t *testing.T) {
	server := serveNoEngine(t, false)
	status, body := do(t, server, http.MethodGet, groupPath, "")
	check(t, status, body, http.StatusOK)
	var list metav1.APIResourceList
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatal(err)
	}
	want := map[string]struct{ kind, shortName, verbs string }{
		"containers":          {"Container", "ctr", "delete deletecollection get list patch update watch"},
		"images":              {"Image", "img", "delete deletecollection get list watch"},
		"volumes":             {"Volume", "vol", "delete deletecollection get list watch"},
		"networks":            {"Network", "net", "delete deletecollection get list watch"},
		"containernamespaces": {"ContainerNamespace", "cns", "get list watch"},
		"engines":             {"Engine", "eng", "get list watch"},
	}
	for _, resource := range list.APIResources {
		expected, ok := want[resource.Name]
		if !ok {
			t.Errorf("%s is served", resource.Name)
			continue
		}
		delete(want, resource.Name)
		if verbs := strings.Join(resource.Verbs, " "); verbs != expected.verbs {
			t.Errorf("%s: the verbs are %s, want %s", resource.Name, verbs, expected.verbs)
		}
		if resource.Kind != expected.kind || !resource.Namespaced || resource.SingularName != strings.ToLower(expected.kind) ||
			!slices.Equal(resource.ShortNames, []string{expected.shortName}) || !slices.Equal(resource.Categories, []string{"engine"}) {
			t.Errorf("%+v has the wrong scope, names or categories", resource)
		}
	}
	for name := range maps.Keys(want) {
		t.Errorf("%s is not served", name)
	}
}

func TestAnEngineThatDoesNotAnswerIsUnavailableAndNotEmpty(t *testing.T) {
	server := serveNoEngine(t, false)
	for _, path := range []string{"/containers", "/images", "/volumes", "/networks", "/containers/web"} {
		status, body := do(t, server, http.MethodGet, defaultPath+path, "")
		check(t, status, body, http.StatusServiceUnavailable, `"retryAfterSeconds":1`)
	}
}

func TestWhatNeedsNoEngineIsServedWithoutOne(t *testing.T) {
	server := serveNoEngine(t, false)
	for path, want := range map[string]string{
		defaultPath + "/containernamespaces":                     `"name":"moby"`,
		defaultPath + "/containernamespaces/moby":                `"namespace":"rancher-desktop"`,
		defaultPath + "/engines":                                 `"reason":"ConnectFailed"`,
		defaultPath + "/engines/moby":                            "docker.sock",
		groupPath + "/namespaces/other/images":                   `"items":[]`,
		groupPath + "/namespaces/other/engines":                  `"items":[]`,
		"/apis":                                                  "containers.rancherdesktop.io",
		"/openapi/v2":                                            "io.rancherdesktop.containers.v1alpha1.Container",
		"/openapi/v3/apis/containers.rancherdesktop.io/v1alpha1": "spec is the part of the container that can be changed.",
		"/version": `"gitVersion": "v`,
		"/livez":   "ok",
		"/readyz":  "ok",
		"/metrics": "apiserver_request_total",
	} {
		status, body := do(t, server, http.MethodGet, path, "")
		if status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: status %d, and %q is in it: %t", path, status, want, strings.Contains(body, want))
		}
	}
}

func TestReadinessDependsOnTheEngineWhereItIsAskedTo(t *testing.T) {
	for required, want := range map[bool]int{false: http.StatusOK, true: http.StatusInternalServerError} {
		server := serveNoEngine(t, required)
		status, body := do(t, server, http.MethodGet, "/readyz", "")
		check(t, status, body, want)
		status, body = do(t, server, http.MethodGet, "/readyz/container-engine", "")
		check(t, status, body, http.StatusInternalServerError, "container engine")
		status, body = do(t, server, http.MethodGet, "/livez", "")
		check(t, status, body, http.StatusOK)
	}
}
