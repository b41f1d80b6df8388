// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"net/http"
	"strings"
	"testing"
)

func TestOtherMethodsAreRefused(t *testing.T) {
	f := start(t)
	paths := []string{f.containerPath(), namespace + "/containers", namespace + "/images/" + f.image, namespace + "/volumes/" + f.volume, namespace + "/networks/" + f.network, namespace + "/containernamespaces/moby", namespace + "/engines/moby"}
	for _, path := range paths {
		for _, method := range []string{"OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "Delete", "REMOVE", "POST", "X" + strings.Repeat("X", 10_000)} {
			answer := f.send(t, request{method: method, path: path})
			f.checkNotAsked(t)
			if answer.StatusCode < 400 || answer.StatusCode >= 500 {
				t.Errorf("%.20s %s: %d %.300s", method, path, answer.StatusCode, answer.body)
			}
		}
	}
}

func TestHeadChangesNothingAndHasNoBody(t *testing.T) {
	f := start(t)
	for _, path := range []string{f.containerPath(), namespace + "/containers", "/livez", "/version"} {
		answer := f.send(t, request{method: http.MethodHead, path: path})
		f.checkAsked(t)
		if answer.StatusCode >= 500 || answer.body != "" {
			t.Errorf("HEAD %s: %d %q", path, answer.StatusCode, answer.body)
		}
	}
}

func TestPathsThatLeadNowhereAreRefused(t *testing.T) {
	f := start(t)
	for _, path := range []string{
		"/apis/containers.rancherdesktop.io/v1alpha2/containers", "/apis/containers.rancherdesktop.io/v1alpha1/pods", "/api/v1/namespaces/rancher-desktop/pods", "/api/v1/secrets",
		namespace + "/containers/" + f.container + "/exec", namespace + "/containers/" + f.container + "/status",
		namespace + "/containers/" + f.container + "/proxy/../..", namespace + "/%63ontainers/x/y", group + "/namespaces/../containers/x", group + "/namespaces/..%2f..%2fx/containers",
		"/containers/json", "/v1.41/containers/json", "/images/json", "/../../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/debug/../apis/x", "/debug/pprof/../../nosuch", "/%00", "/;",
		group + "/containers/" + f.container, "/apis/containers.rancherdesktop.io/v1alpha1/namespaces//containers/x",
	} {
		for _, method := range []string{http.MethodGet, http.MethodDelete, http.MethodPut, http.MethodPost} {
			answer := f.send(t, request{method: method, path: path})
			f.checkNotAsked(t)
			if answer.StatusCode >= 500 || answer.StatusCode < 300 {
				t.Errorf("%s %s: %d %.300s", method, path, answer.StatusCode, answer.body)
			}
		}
	}
}

func TestDoubledAndDottedPathsReachNothing(t *testing.T) {
	f := start(t)
	for _, path := range []string{
		"//apis/containers.rancherdesktop.io/v1alpha1/namespaces/rancher-desktop/containers/" + f.container, "/./apis/containers.rancherdesktop.io/v1alpha1/namespaces/rancher-desktop/containers/" + f.container,
		"/x/.." + f.containerPath(), "/livez/.." + f.containerPath(), "/livez/..%2f" + f.containerPath()[1:], "/version/.." + namespace + "/containers", f.containerPath() + "/.", f.containerPath() + "/../" + f.container,
		namespace + "//containers//" + f.container + "//", namespace + "/./containers/./" + f.container,
	} {
		for _, header := range [][]string{nil, {"Authorization: Bearer wrong"}, {"Authorization:"}} {
			answer := f.send(t, request{method: http.MethodDelete, path: path, header: header})
			for _, r := range f.proxy.Requests() {
				if r.Method == http.MethodDelete || r.Method == http.MethodPost {
					t.Errorf("DELETE %s with %q: the engine was asked to %s", path, header, r)
				}
			}
			if answer.StatusCode < 300 || answer.StatusCode >= 500 {
				t.Errorf("DELETE %s with %q: %d %.300s", path, header, answer.StatusCode, answer.body)
			}
		}
	}
}

func TestNobodyWithoutTheTokenGetsAnything(t *testing.T) {
	f := start(t)
	token := f.config.BearerToken
	for _, header := range []string{
		"Authorization:", "Authorization: Bearer", "Authorization: Bearer ", "Authorization: Bearer wrong", "Authorization: Bearer " + token[:len(token)-1], "Authorization: Bearer " + token + "x",
		"Authorization: Bearer " + strings.ToLower(token), "Authorization: " + token, "Authorization: Basic " + token, "Authorization: Bearer \x01", "Authorization: Bearer " + strings.Repeat("a", 100_000),
		"Authorization-X: Bearer " + token, "Authorization: Bearer x\r\nX-Remote-User: system:admin\r\nX-Remote-Group: system:masters",
		"Authorization: Bearer x\r\nImpersonate-User: system:admin\r\nImpersonate-Group: system:masters",
	} {
		for _, path := range []string{f.containerPath(), namespace + "/containers", "/apis", "/openapi/v2", "/openapi/v3", "/metrics", "/debug/pprof/", "/livez/../apis", "/livezz", "/", "/logs", "/healthz/ping", "/readyz/x"} {
			for _, method := range []string{http.MethodGet, http.MethodDelete} {
				answer := f.send(t, request{method: method, path: path, header: []string{header}})
				f.checkNotAsked(t)
				if answer.StatusCode < 400 || answer.StatusCode >= 500 || strings.Contains(answer.body, "victim") {
					t.Errorf("%s %s with %.60q: %d %.300s", method, path, header, answer.StatusCode, answer.body)
				}
			}
		}
	}
	f.refuse(t, request{method: http.MethodGet, path: f.containerPath(), header: []string{"Authorization:"}}, http.StatusUnauthorized)
	f.refuse(t, request{method: http.MethodGet, path: f.containerPath(), header: []string{"Authorization: Bearer wrong"}}, http.StatusUnauthorized)
	f.refuse(t, request{method: http.MethodGet, path: f.containerPath() + "?token=" + token + "&access_token=" + token, header: []string{"Authorization:"}}, http.StatusUnauthorized)
}

func TestAnybodyMayAskForHealthAndVersion(t *testing.T) {
	f := start(t)
	for _, path := range []string{"/livez", "/readyz", "/healthz", "/version"} {
		if answer := f.send(t, request{method: http.MethodGet, path: path, header: []string{"Authorization:"}}); answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", path, answer.StatusCode, answer.body)
		}
	}
}

func TestImpersonationIsNoWayAround(t *testing.T) {
	f := start(t)
	for _, header := range []string{
		"Impersonate-User: someone", "Impersonate-User: system:anonymous", "Impersonate-User: a\x01b", "Impersonate-Group: system:masters", "Impersonate-Extra-a%0d%0ab: c",
		"Impersonate-User: x\r\nImpersonate-Extra-%zz: y", "Impersonate-User: x\r\nImpersonate-Uid: " + strings.Repeat("a", 10_000),
	} {
		answer := f.send(t, request{method: http.MethodDelete, path: f.containerPath(), header: []string{header}})
		f.checkNotAsked(t)
		if answer.StatusCode < 400 {
			t.Errorf("%.60q: %d %.300s", header, answer.StatusCode, answer.body)
		}
	}
}

func TestOtherNamespacesAreEmptyAndDoNotReachTheEngine(t *testing.T) {
	f := start(t)
	for _, other := range []string{"default", "rancher-desktop2", "rancher", "RANCHER-DESKTOP", "kube-system", "moby", "a", strings.Repeat("a", 63)} {
		path := strings.Replace(namespace, "rancher-desktop", other, 1)
		for kind, name := range map[string]string{"containers": f.container, "images": f.image, "volumes": f.volume, "networks": f.network, "containernamespaces": "moby", "engines": "moby"} {
			f.refuse(t, request{method: http.MethodGet, path: path + "/" + kind + "/" + name}, http.StatusNotFound)
			f.checkNotAsked(t)
			answer := f.send(t, request{method: http.MethodGet, path: path + "/" + kind})
			f.checkNotAsked(t)
			if answer.StatusCode != http.StatusOK || !strings.Contains(answer.body, `"items":[]`) {
				t.Errorf("%s in %s: %d %s", kind, other, answer.StatusCode, answer.body)
			}
			if readOnly(kind) {
				continue
			}
			f.refuse(t, request{method: http.MethodDelete, path: path + "/" + kind + "/" + name}, http.StatusNotFound)
			f.checkNotAsked(t)
			answer = f.send(t, request{method: http.MethodDelete, path: path + "/" + kind})
			f.checkNotAsked(t)
			if answer.StatusCode != http.StatusOK || !strings.Contains(answer.body, `"items":[]`) {
				t.Errorf("delete of %s in %s: %d %s", kind, other, answer.StatusCode, answer.body)
			}
		}
		f.refuse(t, request{method: http.MethodPatch, path: path + "/containers/" + f.container, contentType: mergePatch, body: `{"spec":{"state":"created"}}`}, http.StatusNotFound)
		f.checkNotAsked(t)
		f.refuse(t, request{method: http.MethodPut, path: path + "/containers/" + f.container, body: containerNamed(f.container, "created")}, http.StatusNotFound)
		f.checkNotAsked(t)
	}
}
