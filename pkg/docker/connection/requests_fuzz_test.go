// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package connection

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/client"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
)

// recorder is a transport that records each request instead of sending it.
type recorder struct {
	method string
	target *url.URL
}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	r.method, r.target = request.Method, request.URL
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader("{}")), Request: request}, nil
}

// recorded returns a Docker client that uses a recorder.
func recorded(t testing.TB) (*client.Client, *recorder) {
	t.Helper()
	r := &recorder{}
	c, err := client.NewClientWithOpts(client.WithHost("tcp://engine:2375"), client.WithHTTPClient(&http.Client{Transport: r}), client.WithVersion("1.51"))
	if err != nil {
		t.Fatal(err)
	}
	return c, r
}

// FuzzName promises that no name makes a request reach another endpoint.
func FuzzName(f *testing.F) {
	for _, seed := range []string{"web", "..", ".", "../containers/victim", "a/../b", "a/./b", "x..", "%2e%2e", "a?force=1", "a#b", "a\\b", "\x00", "json", "prune", "a//b",
		"busybox:latest", "localhost:5000~a~b:v1", "..~..~containers~x:y", "a/..:b", "sha256:" + dockertest.IDA, dockertest.IDA, "busybox@sha256:" + dockertest.IDA, "[::1]:80/a:b", "a:..", "ａ:b", "a/json", "a/b/get",
		"vol@store", "two words", " a", "a ", "\u00a0a", "ünï", "lost+found", "x", "_db", "a/", "/a", "team/share", "%2e%2e%2fx", "a;b", "v1.41/containers", "a\u2028b"} {
		f.Add(seed)
	}
	c, r := recorded(f)
	f.Fuzz(func(t *testing.T, name string) {
		tag, tagErr := names.TagOfName(name)
		if again, err := names.TagOfName(containers.NameOfTag(tag)); tagErr == nil && (!names.IsImagePath(tag) || again != tag) {
			t.Errorf("%q stands for %q, and the name of that tag stands for %q, %v", name, tag, again, err)
		}
		aTag := func(string) bool { return tagErr == nil }
		for _, use := range []struct {
			valid         func(string) bool
			name          string
			before, after string
			call          func(ctx context.Context, name string) error
		}{
			{segments["{name}"], name, "GET /v1.51/containers/", "/json", func(ctx context.Context, name string) error {
				_, err := c.ContainerInspect(ctx, name)
				return err
			}},
			{segments["{id}"], name, "DELETE /v1.51/containers/", "", func(ctx context.Context, id string) error {
				return c.ContainerRemove(ctx, id, container.RemoveOptions{})
			}},
			{segments["{id}"], name, "POST /v1.51/containers/", "/stop", func(ctx context.Context, id string) error {
				return c.ContainerStop(ctx, id, container.StopOptions{})
			}},
			{segments["{volume}"], name, "GET /v1.51/volumes/", "", func(ctx context.Context, name string) error {
				_, err := c.VolumeInspect(ctx, name)
				return err
			}},
			{segments["{volume}"], name, "DELETE /v1.51/volumes/", "", func(ctx context.Context, name string) error { return c.VolumeRemove(ctx, name, false) }},
			{segments["{network}"], name, "GET /v1.51/networks/", "", func(ctx context.Context, id string) error {
				_, err := c.NetworkInspect(ctx, id, network.InspectOptions{})
				return err
			}},
			{segments["{network}"], name, "DELETE /v1.51/networks/", "", c.NetworkRemove},
			{segments["{reference}"], name, "GET /v1.51/images/", "/json", inspectImage(c)},
			{segments["{reference}"], name, "DELETE /v1.51/images/", "", removeImage(c)},
			{aTag, tag, "GET /v1.51/images/", "/json", inspectImage(c)},
			{aTag, tag, "DELETE /v1.51/images/", "", removeImage(c)},
		} {
			if !use.valid(use.name) {
				continue
			}
			*r = recorder{}
			err := use.call(t.Context(), use.name)
			if r.target == nil {
				t.Errorf("%q is accepted, and Docker's client refuses it: %v", use.name, err)
				continue
			}
			if asked := r.method + " " + r.target.Path; asked != use.before+use.name+use.after {
				t.Errorf("%q is asked for as %q", use.name, asked)
			}
			if r.target.RawQuery != "" {
				t.Errorf("%q brings the query %q", use.name, r.target.RawQuery)
			}
			if strings.ContainsFunc(r.target.EscapedPath(), func(c rune) bool { return unicode.IsControl(c) || c > unicode.MaxASCII }) {
				t.Errorf("%q is asked for as %q", use.name, r.target.EscapedPath())
			}
			if _, listed := FindRequest(r.method, r.target); !listed {
				t.Errorf("%q makes a request that is not on the list", use.name)
			}
		}
	})
}

func inspectImage(c *client.Client) func(context.Context, string) error {
	return func(ctx context.Context, reference string) error {
		_, err := c.ImageInspect(ctx, reference)
		return err
	}
}

func removeImage(c *client.Client) func(context.Context, string) error {
	return func(ctx context.Context, reference string) error {
		_, err := c.ImageRemove(ctx, reference, image.RemoveOptions{PruneChildren: true})
		return err
	}
}
