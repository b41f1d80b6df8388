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
	refuse = func(r Request, _ error) {
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
		request.Header.Set("Content-Type", "application/json")
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
	ask("POST", "/v1.41/containers/create?name=ours", `{"Image":"busybox","HostConfig":{"Memory":0},"Labels":{"containers.rancherdesktop.io/fields":"{\"f:image\":{}}"}}`)
	ask("POST", "/v1.41/containers/create?name=theirs", `{"Image":"busybox","HostConfig":{"Privileged":true},"Labels":{"containers.rancherdesktop.io/fields":"{\"f:image\":{}}"}}`)
	ask("GET", "/v1.41/containers/"+id+"/export", "")
	ask("POST", "/v1.41/containers/"+id+"/start", `{"Binds":["/:/host"]}`)
	ask("GET", "/v1.41/containers/%2e%2e/json", "")

	mu.Lock()
	defer mu.Unlock()
	want := []Request{{"POST", "/v1.41/build"}, {"POST", "/v1.41/containers/create?name=theirs"}, {"GET", "/v1.41/containers/" + id + "/export"}, {"POST", "/v1.41/containers/" + id + "/start"}, {"GET", "/v1.41/containers/%2e%2e/json"}}
	if !slices.Equal(refused, want) {
		t.Errorf("refused %v, want %v", refused, want)
	}
	if got := proxy.Requests(); len(got) != 8 {
		t.Errorf("recorded %v, want 8 requests", got)
	}
}

func TestACreationMayAskForWhatItsSpecNamesAndForNothingElse(t *testing.T) {
	for body, allowed := range map[string]bool{
		`{"Image":"i","Cmd":null,"Tty":false,"HostConfig":{"Memory":0,"ConsoleSize":[0,0],"LogConfig":{"Type":"","Config":null}},LABELS}`: true,
		`{"Image":"i","HostConfig":{"NanoCpus":5},LABELS}`:                                       true,
		`{"Image":"i","HostConfig":{"Memory":5},LABELS}`:                                         false,
		`{"Image":"i","Cmd":[],LABELS}`:                                                          false,
		`{"Image":"i","HostConfig":{"MaskedPaths":[]},LABELS}`:                                   false,
		`{"Image":"i","HostConfig":{"Binds":["/:/host"]},LABELS}`:                                false,
		`{"Image":"i","HostConfig":{"OomScoreAdj":-1000},LABELS}`:                                false,
		`{"Image":"i","NetworkingConfig":{"EndpointsConfig":{"other":{"Aliases":null}}},LABELS}`: false,
		`{"Image":"i","ExposedPorts":{"80/tcp":{}},LABELS}`:                                      false,
		`{"Image":"i","ExposedPorts":{},LABELS}`:                                                 true,
		`{"Image":"i"}`:                                                                          false,
	} {
		labels := `"Labels":{"a":"b","containers.rancherdesktop.io/fields":"{\"f:image\":{\"v:\\\"i\\\"\":{}},\"f:resources\":{\"f:cpu\":{}}}"}`
		if err := checkCreation([]byte(strings.Replace(body, "LABELS", labels, 1))); (err == nil) != allowed {
			t.Errorf("%s: %v", body, err)
		}
	}
}
