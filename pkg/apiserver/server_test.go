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
	"k8s.io/apimachinery/pkg/runtime"
	genericapiserver "k8s.io/apiserver/pkg/server"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
)

// serveNoEngine returns a server whose engine does not answer.
func serveNoEngine(t *testing.T, readyRequiresEngine bool, configure ...func(*ExtraConfig)) *httptest.Server {
	t.Helper()
	config := Config{GenericConfig: newTestConfig(), ExtraConfig: ExtraConfig{
		Engine:              docker.Options{Host: "unix://" + filepath.Join(t.TempDir(), "docker.sock")},
		ReadyRequiresEngine: readyRequiresEngine,
	}}
	for _, set := range configure {
		set(&config.ExtraConfig)
	}
	server, err := config.Complete().New(genericapiserver.NewEmptyDelegate())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.GenericAPIServer.Destroy)
	return serve(t, server.GenericAPIServer)
}

func TestDiscoveryListsExactlyTheVerbsThatWork(t *testing.T) {
	type resource struct{ kind, shortName, verbs string }
	changing := map[string]resource{
		"containers": {"Container", "ctr", "delete deletecollection get list patch update watch"},
		"images":     {"Image", "img", "delete deletecollection get list watch"},
		"volumes":    {"Volume", "vol", "delete deletecollection get list watch"},
		"networks":   {"Network", "net", "delete deletecollection get list watch"},
	}
	always := map[string]resource{
		"containers":          {"Container", "ctr", "get list watch"},
		"images":              {"Image", "img", "get list watch"},
		"volumes":             {"Volume", "vol", "get list watch"},
		"networks":            {"Network", "net", "get list watch"},
		"containernamespaces": {"ContainerNamespace", "cns", "get list watch"},
		"engines":             {"Engine", "eng", "get list watch"},
		"containermetrics":    {"ContainerMetrics", "", "get list watch"},
		"containers/log":      {"ContainerLogOptions", "", "get"},
		"containers/top":      {"ContainerTop", "", "get"},
	}
	kill := map[string]resource{"containers/kill": {"ContainerKill", "", "create"}}
	full := map[string]resource{
		"containers":             {"Container", "ctr", "create delete deletecollection get list patch update watch"},
		"images":                 {"Image", "img", "create delete deletecollection get list patch update watch"},
		"volumes":                {"Volume", "vol", "create delete deletecollection get list patch update watch"},
		"networks":               {"Network", "net", "create delete deletecollection get list patch update watch"},
		"containers/rename":      {"ContainerRename", "", "create"},
		"containers/exec":        {"ContainerExecOptions", "", "create get"},
		"containers/attach":      {"ContainerAttachOptions", "", "create get"},
		"containers/portforward": {"ContainerPortForwardOptions", "", "create get"},
		"containers/archive":     {"ContainerArchiveOptions", "", "create get"},
		"imagepullrequests":      {"ImagePullRequest", "pull", "create delete deletecollection get list watch"},
		"imagepullrequests/log":  {"ImageRequestLogOptions", "", "get"},
		"imagepushrequests":      {"ImagePushRequest", "push", "create delete deletecollection get list watch"},
		"imagepushrequests/log":  {"ImageRequestLogOptions", "", "get"},
	}
	for access, sets := range map[connection.Access][]map[string]resource{
		connection.View:    {always},
		connection.Operate: {always, changing, kill},
		"":                 {always, changing, kill},
		connection.Full:    {always, changing, kill, full},
	} {
		want := map[string]resource{}
		for _, set := range sets {
			maps.Copy(want, set)
		}
		server := serveNoEngine(t, false, func(c *ExtraConfig) { c.Engine.Access = access })
		status, body := do(t, server, http.MethodGet, groupPath, "")
		check(t, status, body, http.StatusOK)
		var list metav1.APIResourceList
		if err := json.Unmarshal([]byte(body), &list); err != nil {
			t.Fatal(err)
		}
		for _, found := range list.APIResources {
			expected, ok := want[found.Name]
			if !ok {
				t.Errorf("access %s: %s is served", access, found.Name)
				continue
			}
			delete(want, found.Name)
			if verbs := strings.Join(found.Verbs, " "); verbs != expected.verbs || found.Kind != expected.kind || !found.Namespaced {
				t.Errorf("access %s: %s is a %s with the verbs %s, want a %s with %s", access, found.Name, found.Kind, verbs, expected.kind, expected.verbs)
			}
			category := "engine"
			if found.Name == "containermetrics" { // its lists cost samples
				category = ""
			}
			if isSubresource := strings.Contains(found.Name, "/"); !isSubresource && (found.SingularName != strings.ToLower(expected.kind) ||
				strings.Join(found.ShortNames, ",") != expected.shortName || strings.Join(found.Categories, ",") != category) {
				t.Errorf("%+v has the wrong names or categories", found)
			}
		}
		for name := range want {
			t.Errorf("access %s: %s is not served", access, name)
		}
	}
}

func TestTheParametersOfSubresourcesAreDocumented(t *testing.T) {
	server := serveNoEngine(t, false)
	status, body := do(t, server, http.MethodGet, "/openapi/v3/apis/containers.rancherdesktop.io/v1alpha1", "")
	check(t, status, body, http.StatusOK)
	var document struct {
		Paths map[string]struct {
			Parameters []struct{ Name, Description string } // of all methods, of which there is one
		}
	}
	if err := json.Unmarshal([]byte(body), &document); err != nil {
		t.Fatal(err)
	}
	for subresource, options := range map[string]runtime.Object{"log": &v1alpha1.ContainerLogOptions{}, "top": &v1alpha1.ContainerTopOptions{}} {
		path := document.Paths[groupPath+"/namespaces/{namespace}/containers/{name}/"+subresource]
		for name := range parametersOf(options) {
			if !slices.ContainsFunc(path.Parameters, func(p struct{ Name, Description string }) bool { return p.Name == name && p.Description != "" }) {
				t.Errorf("the parameter %s of %s is not documented", name, subresource)
			}
		}
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
		"/openapi/v3/apis/containers.rancherdesktop.io/v1alpha1": "spec says how the container is made, and whether it runs.",
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
