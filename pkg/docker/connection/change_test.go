// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package connection

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
)

// removeAt asks the engine at host to remove a container, and returns the API error.
func removeAt(ctx context.Context, t *testing.T, host string) error {
	t.Helper()
	c, err := client.NewClientWithOpts(client.WithHost(host), client.WithVersion("1.41"))
	dockertest.Must(t, err)
	t.Cleanup(func() { c.Close() })
	err = Change(ctx, func(ctx context.Context) error {
		return c.ContainerRemove(ctx, dockertest.IDA, container.RemoveOptions{})
	})
	return APIError("delete", v1alpha1.Resource("containers"), "web", err)
}

func isRetried(err error) bool {
	_, isRetried := apierrors.SuggestsClientDelay(err)
	return isRetried
}

func TestAChangeThatEndsWithTheServerIsNotRetried(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	err := removeAt(ctx, t, "tcp://"+server.Listener.Addr().String())
	if !apierrors.IsTimeout(err) || isRetried(err) || !dockertest.Contains(err, "may have carried it out") {
		t.Errorf("%v", err)
	}
}

func TestAChangeThatWasNotSentIsRetried(t *testing.T) {
	err := removeAt(t.Context(), t, "unix://"+filepath.Join(t.TempDir(), "none.sock"))
	if !apierrors.IsServiceUnavailable(err) || !isRetried(err) {
		t.Errorf("%v", err)
	}
}
