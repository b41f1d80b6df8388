// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
)

// over2 sends a request over HTTP/2. It does not clean the path. The status is 0 if the connection gives no answer.
func (f *fixture) over2(t *testing.T, client *http.Client, r request) (int, string) {
	t.Helper()
	f.proxy.Reset()
	made, err := http.NewRequestWithContext(t.Context(), r.method, f.config.Host, strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	made.URL.Opaque = r.path
	if made.URL.Path, err = url.PathUnescape(r.path); err != nil {
		t.Fatal(err)
	}
	if r.contentType != "" {
		made.Header.Set("Content-Type", r.contentType)
	}
	for _, line := range r.header {
		name, value, _ := strings.Cut(line, ": ")
		made.Header[http.CanonicalHeaderKey(name)] = append(made.Header[http.CanonicalHeaderKey(name)], value)
	}
	answer, err := client.Do(made)
	if err != nil {
		return 0, err.Error() // the protocol refused the request
	}
	defer answer.Body.Close()
	if answer.ProtoMajor != 2 {
		t.Fatalf("the answer is %s", answer.Proto)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err.Error()
	}
	return answer.StatusCode, string(body)
}

func TestHTTP2IsAsStrict(t *testing.T) {
	f := start(t)
	admin, err := rest.HTTPClientFor(f.config)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.CloseIdleConnections()
	nobody, err := rest.HTTPClientFor(rest.AnonymousClientConfig(f.config))
	if err != nil {
		t.Fatal(err)
	}
	defer nobody.CloseIdleConnections()
	if code, body := f.over2(t, admin, request{method: http.MethodGet, path: f.containerPath()}); code != http.StatusOK {
		t.Fatalf("%d %s", code, body)
	}
	const refused = 0 // HTTP/2 itself refused the request, before a handler saw it
	containers := namespace + "/containers/"
	for _, c := range []struct {
		client *http.Client
		request
		codes []int
	}{
		{admin, request{method: http.MethodDelete, path: containers + "../volumes/" + f.volume}, []int{301, 404, 405}},
		{admin, request{method: http.MethodDelete, path: containers + "..%2fvolumes%2f" + f.volume}, []int{301, 404, 400}},
		{admin, request{method: http.MethodDelete, path: containers + "%252e%252e%252f" + f.container}, []int{400, 404}},
		{admin, request{method: http.MethodDelete, path: containers + f.container + "%00"}, []int{400, 404}},
		{admin, request{method: http.MethodDelete, path: containers + f.container + "%0d%0aX:%20y"}, []int{400, 404}},
		{admin, request{method: http.MethodDelete, path: containers}, []int{400}},
		{admin, request{method: http.MethodDelete, path: "//" + containers[1:] + f.container + "/"}, []int{301, 400, 404, refused}},
		{admin, request{method: http.MethodGet, path: containers + strings.Repeat("a", 100_000)}, []int{404, 400}},
		{admin, request{method: http.MethodGet, path: containers + strings.Repeat("a", 2<<20)}, []int{431, refused}},
		{admin, request{method: "TRACE", path: containers + f.container}, []int{405}},
		{admin, request{method: "PROPFIND", path: containers + f.container}, []int{405}},
		{admin, request{method: "delete", path: containers + f.container}, []int{405}},
		{admin, request{method: http.MethodPost, path: containers + f.container, header: []string{"X-Http-Method-Override: DELETE"}}, []int{405}},
		{admin, request{method: http.MethodPut, path: containers + f.container, contentType: "text/xml", body: "<x/>"}, []int{415}},
		{admin, request{method: http.MethodPut, path: containers + f.container, contentType: "application/json", body: fmt.Sprintf("{%q:1}", strings.Repeat("x", 4<<20))}, []int{413}},
		{admin, request{method: http.MethodPatch, path: containers + f.container, contentType: mergePatch, body: strings.Repeat(`{"a":`, 100_000)}, []int{400, 422}},
		{admin, request{method: http.MethodGet, path: containers + f.container, header: []string{"X: " + strings.Repeat("a", 2<<20)}}, []int{431, refused}},
		{admin, request{method: http.MethodDelete, path: containers + f.container, header: []string{"Impersonate-User: someone"}}, []int{403}},
		{nobody, request{method: http.MethodGet, path: containers + f.container}, []int{401}},
		{nobody, request{method: http.MethodDelete, path: containers + f.container, header: []string{"X-Remote-User: system:admin", "X-Remote-Group: system:masters"}}, []int{401}},
		{nobody, request{method: http.MethodDelete, path: containers + f.container, header: []string{"Authorization: Bearer wrong", "Authorization: Bearer " + f.config.BearerToken}}, []int{401}},
		{nobody, request{method: http.MethodDelete, path: "/livez/.." + containers + f.container}, []int{301, 400, 401, 404, refused}},
	} {
		code, body := f.over2(t, c.client, c.request)
		f.checkAsked(t)
		if !slices.Contains(c.codes, code) {
			t.Errorf("%s: %d, want %v: %.300s", c.request, code, c.codes, body)
		}
	}
}
