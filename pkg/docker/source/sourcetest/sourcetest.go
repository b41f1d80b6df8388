// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package sourcetest helps to test the source of a kind without an engine.
package sourcetest

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

// info is the engine's description of itself. It says that the engine lists all its images.
const info = `{"DriverStatus":[["driver-type","io.containerd.snapshotter.v1"]]}`

// Answers is what an engine answers. A test sets the fields between requests.
type Answers struct {
	// Body is the answer to every request.
	Body []byte
	// ByPath holds other answers, by the path after the API version.
	ByPath map[string][]byte

	mu    sync.Mutex
	asked []string
}

// Asked returns the method and path of all requests, without the API version.
func (a *Answers) Asked() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.asked)
}

// RoundTrip answers a request.
func (a *Answers) RoundTrip(request *http.Request) (*http.Response, error) {
	path := strings.TrimPrefix(request.URL.Path, "/v1.51")
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, request.Method+" "+path)
	body, code := a.Body, http.StatusOK
	if a.ByPath != nil {
		var found bool
		if body, found = a.ByPath[path]; !found {
			body, code = []byte(`{"message":"no such thing"}`), http.StatusNotFound
		}
	}
	return &http.Response{StatusCode: code, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)), Request: request}, nil
}

// New returns what the source of a kind needs. The engine speaks API 1.51, has no event log and answers as the test says.
func New(t testing.TB) (source.Engine, *Answers) {
	t.Helper()
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	endpoint, err := connection.Resolve("tcp://engine:2375", connection.Full)
	dockertest.Must(t, err)
	// Without TLSNextProto, http.Transport prepares HTTP/2 and makes a TLS configuration. The client would then take
	// the engine for one with TLS.
	answers, transport := &Answers{Body: []byte(info)}, &http.Transport{TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}
	transport.RegisterProtocol("http", answers)
	docker, err := client.NewClientWithOpts(client.WithHost("tcp://engine:2375"), client.WithHTTPClient(&http.Client{Transport: transport}), client.WithVersion("1.51"))
	dockertest.Must(t, err)
	c := connection.New(t.Context(), docker, transport, nil)
	c.NewestAPI = "1.51"
	dockertest.Must(t, c.Complete(t.Context(), &connection.Version{}))
	engine := source.Engine{
		Client:    connection.NewClient(endpoint),
		Namespace: "engine",
		Events:    func(context.Context) error { return nil },
	}
	engine.Client.Use(c)
	return engine, answers
}

// Container returns Docker's answer about a running container, after change.
func Container(change func(*container.InspectResponse)) *container.InspectResponse {
	response := &container.InspectResponse{
		ContainerJSONBase: &container.ContainerJSONBase{
			ID: dockertest.IDA, Name: "/web", Created: dockertest.CreatedAt, Image: "sha256:" + dockertest.IDB, Path: "httpd", Args: []string{"-f", "-v"}, RestartCount: 3,
			State:      &container.State{Status: "running", Running: true, Pid: 42, StartedAt: dockertest.StartedAt, FinishedAt: dockertest.Never},
			HostConfig: &container.HostConfig{},
		},
		Config:          &container.Config{Image: "busybox", Labels: map[string]string{"com.docker.compose.project": "web"}},
		NetworkSettings: &container.NetworkSettings{},
	}
	if change != nil {
		change(response)
	}
	return response
}

// Image returns Docker's answer about an image.
func Image(tags ...string) *image.InspectResponse {
	return &image.InspectResponse{
		ID: "sha256:" + dockertest.IDA, RepoTags: tags, RepoDigests: []string{"b@sha256:" + dockertest.IDB, "a@sha256:" + dockertest.IDB}, Created: dockertest.CreatedAt,
		Architecture: "amd64", Os: "linux", Size: 123,
		Config: &dockerspec.DockerOCIImageConfig{ImageConfig: dockerspec.DockerOCIImageConfig{}.ImageConfig},
	}
}
