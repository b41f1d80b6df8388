// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package dockerproxy

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/docker/docker/client"
)

func TestARequestThatIsNotOnTheListEndsTheTestRun(t *testing.T) {
	var mu sync.Mutex
	var refused []Request
	end := refuse
	refuse = func(r Request) {
		mu.Lock()
		defer mu.Unlock()
		refused = append(refused, r)
	}
	defer func() { refuse = end }()

	dir, err := os.MkdirTemp("", "proxy-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	proxy, err := Start(dir, "unix:///nonexistent.sock")
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	proxy.Fail(func(w http.ResponseWriter, _ *http.Request) bool {
		io.WriteString(w, "{}")
		return true
	})
	dial := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", strings.TrimPrefix(proxy.Host(), "unix://"))
	}}
	defer dial.CloseIdleConnections()
	ask := func(method, uri, body string) {
		request, err := http.NewRequestWithContext(t.Context(), method, "http://"+client.DummyHost+uri, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := dial.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}
	id := strings.Repeat("0123456789abcdef", 4)
	ask("GET", "/v1.41/containers/json?all=1", "")
	ask("POST", "/v1.41/containers/"+id+"/start", "")
	ask("POST", "/v1.41/build", "{}")
	ask("GET", "/v1.41/containers/"+id+"/export", "")
	ask("POST", "/v1.41/containers/"+id+"/start", `{"Binds":["/:/host"]}`)
	ask("GET", "/v1.41/containers/%2e%2e/json", "")

	mu.Lock()
	defer mu.Unlock()
	want := []Request{{"POST", "/v1.41/build"}, {"GET", "/v1.41/containers/" + id + "/export"}, {"POST", "/v1.41/containers/" + id + "/start"}, {"GET", "/v1.41/containers/%2e%2e/json"}}
	if !slices.Equal(refused, want) {
		t.Errorf("refused %v, want %v", refused, want)
	}
	if got := proxy.Requests(); len(got) != 6 {
		t.Errorf("recorded %v, want 6 requests", got)
	}
}
