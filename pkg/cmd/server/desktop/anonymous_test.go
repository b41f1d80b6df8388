// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package desktop

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const local = "127.0.0.1:6446"

// ask sends a request to the port of a server that answers with 418. It returns the answer's status and what the server saw.
func ask(path, host string, header http.Header) (status int, seen *http.Request) {
	request := httptest.NewRequest(http.MethodGet, path, nil)
	request.Host, request.Header = host, header
	answer := httptest.NewRecorder()
	anonymous{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r
		w.WriteHeader(http.StatusTeapot)
	})}.ServeHTTP(answer, request)
	return answer.Code, seen
}

func TestThePortShowsLogsAndHealthAndNothingElse(t *testing.T) {
	for path, want := range map[string]string{
		"/passthrough/engine/logs/web":     "/passthrough/engine/logs/web",
		"/engine/logs/web":                 "/passthrough/engine/logs/web",
		"/engine/logs/web?tail=1&follow=0": "/passthrough/engine/logs/web?tail=1&follow=0",
		"/livez":                           "/livez",
		"/readyz":                          "/readyz",
		"/healthz":                         "/healthz",
		"/":                                "",
		"/metrics":                         "",
		"/version":                         "",
		"/passthrough/engine/other/web":    "",
		"/engine/logs":                     "",
		"/livez/ping":                      "",
		"/debug/pprof":                     "",
		"/apis/containers.rancherdesktop.io/v1alpha1/namespaces/rancher-desktop/containers/web/log": "",
		"/engine/logs/../../apis": "/passthrough/engine/logs/../../apis", // the server refuses it
	} {
		status, seen := ask(path, local, nil)
		switch {
		case want == "" && status != http.StatusNotFound:
			t.Errorf("%s: status %d", path, status)
		case want != "" && (seen == nil || seen.RequestURI != want || seen.URL.RequestURI() != want):
			t.Errorf("%s: %d, %+v", path, status, seen)
		}
	}
}

func TestTheServerDoesNotLearnWhoAsks(t *testing.T) {
	_, seen := ask("/engine/logs/web", local, http.Header{
		"Authorization": {"Bearer x"}, "X-Remote-User": {"admin"}, "X-Remote-Group": {"system:masters"}, "Impersonate-User": {"admin"},
		"Cookie": {"a=b"}, "Sec-Websocket-Protocol": {"base64url.bearer.authorization.k8s.io.eA, x"},
		"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Sec-Websocket-Key": {"k"}, "Sec-Websocket-Version": {"13"}, "User-Agent": {"desktop"},
	})
	want := http.Header{"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Sec-Websocket-Key": {"k"}, "Sec-Websocket-Version": {"13"}, "User-Agent": {"desktop"}}
	if diff := cmp.Diff(want, seen.Header); diff != "" {
		t.Error(diff)
	}
}

func TestWebPagesAreRefused(t *testing.T) {
	for _, test := range []struct {
		what, host string
		origins    []string
		want       int
	}{
		{"a program", local, nil, http.StatusTeapot},
		{"a program that says localhost", "localhost:6446", nil, http.StatusTeapot},
		{"a program that says ::1", "[::1]:6446", nil, http.StatusTeapot},
		{"a program that gives no port", "127.0.0.1", nil, http.StatusTeapot},
		{"what came from the port itself", local, []string{"http://" + local}, http.StatusTeapot},
		{"a page", local, []string{"https://example.com"}, http.StatusForbidden},
		{"a page of another port", local, []string{"http://127.0.0.1:3000"}, http.StatusForbidden},
		{"a file", local, []string{"null"}, http.StatusForbidden},
		{"a page with two origins", local, []string{"http://" + local, "https://example.com"}, http.StatusForbidden},
		{"a page whose name leads here", "example.com:6446", []string{"http://example.com:6446"}, http.StatusForbidden},
		{"a page whose name looks like localhost", "localhost.example.com", nil, http.StatusForbidden},
		{"a page whose name looks like an address", "127.0.0.1.example.com:6446", nil, http.StatusForbidden},
		{"another machine", "192.0.2.1:6446", nil, http.StatusForbidden},
		{"a request without a host", "", nil, http.StatusForbidden},
	} {
		header := http.Header{}
		for _, origin := range test.origins {
			header.Add("Origin", origin)
		}
		if status, _ := ask("/engine/logs/web", test.host, header); status != test.want {
			t.Errorf("%s: %d, want %d", test.what, status, test.want)
		}
	}
}
