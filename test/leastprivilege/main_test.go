// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package leastprivilege tests that the server sends an engine only the requests that it needs, and that it reveals no secrets.
package leastprivilege

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

const (
	group     = "/apis/containers.rancherdesktop.io/v1alpha1"
	namespace = group + "/namespaces/" + testserver.Namespace

	// patience bounds each wait.
	patience = 2 * time.Minute
)

var eng *engine.Engine

func TestMain(m *testing.M) { os.Exit(engine.Main(m, &eng)) }

// ask sends a request and returns the status code and the body of the answer. headers have the form "name: value".
func ask(t *testing.T, config *rest.Config, method, path, body string, headers ...string) (int, string) {
	t.Helper()
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), method, config.Host+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPatch {
		request.Header.Set("Content-Type", "application/merge-patch+json")
	} else if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(content)
}

// must sends a request and fails the test unless the answer has this status code.
func must(t *testing.T, config *rest.Config, code int, method, path, body string) string {
	t.Helper()
	got, answer := ask(t, config, method, path, body)
	if got != code {
		t.Fatalf("%s %s %s: %d, want %d: %s", method, path, body, got, code, answer)
	}
	return answer
}

// eventually polls a condition, and fails the test if it does not hold within patience.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting until %s", what)
		}
	}
}
