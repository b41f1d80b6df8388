// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package connection

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/client"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func TestDockersErrorsBecomeAPIErrors(t *testing.T) {
	daemon := func(class error, text string) error {
		return fmt.Errorf("Error response from daemon: %s%w", text, hidden{class})
	}
	for name, test := range map[string]struct {
		err  error
		code int32
		text string
	}{
		"missing":            {daemon(errdefs.ErrNotFound, "No such container: x"), http.StatusNotFound, `containers.containers.rancherdesktop.io "web" not found`},
		"conflict":           {daemon(errdefs.ErrConflict, "Container x is not running"), http.StatusConflict, "Container x is not running"},
		"bad parameter":      {daemon(errdefs.ErrInvalidArgument, "failed to create shim task: OCI\nruntime"), http.StatusBadRequest, "failed to create shim task: OCI runtime"},
		"unpause of running": {daemon(errdefs.ErrInternal, "Container x is not paused"), http.StatusConflict, "Container x is not paused"},
		"podman's state":     {daemon(errdefs.ErrInternal, "container state improper"), http.StatusConflict, "container state improper"},
		"docker's 500":       {daemon(errdefs.ErrInternal, "boom"), http.StatusInternalServerError, "boom"},
		"denied":             {daemon(errdefs.ErrPermissionDenied, "plugin says no"), http.StatusForbidden, "plugin says no"},
		"unavailable":        {daemon(errdefs.ErrUnavailable, "shutting down"), http.StatusServiceUnavailable, "shutting down"},
		"deadline":           {fmt.Errorf("x: %w", context.DeadlineExceeded), http.StatusGatewayTimeout, `Docker did not answer in time to stop containers "web"`},
		//lint:ignore SA1019 no other function makes this error of the client
		"gone":          {client.ErrorConnectionFailed("unix:///x"), http.StatusServiceUnavailable, "Cannot connect to the Docker daemon"},
		"cut off":       {fmt.Errorf("reading: %w", io.ErrUnexpectedEOF), http.StatusServiceUnavailable, "reading"},
		"already typed": {fmt.Errorf("x: %w", apierrors.NewResourceExpired("away")), http.StatusGone, "away"},
	} {
		err := APIError("stop", v1alpha1.Resource("containers"), "web", test.err)
		var status apierrors.APIStatus
		if !errors.As(err, &status) || status.Status().Code != test.code {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := status.Status().Message; !strings.Contains(got, test.text) || strings.Contains(got, "Error response from daemon") {
			t.Errorf("%s: message %q", name, got)
		}
		if details := status.Status().Details; test.code != http.StatusGone && (details.Name != "web" || details.Kind != "containers" || details.Group != v1alpha1.GroupName) {
			t.Errorf("%s: details %+v", name, details)
		}
		if test.code == http.StatusServiceUnavailable && status.Status().Details.RetryAfterSeconds != 1 {
			t.Errorf("%s: the error does not say when to retry", name)
		}
	}
	if APIError("stop", v1alpha1.Resource("containers"), "web", nil) != nil {
		t.Error("apiError makes an error of nil")
	}
}

// hidden keeps the class of an error and hides its text.
type hidden struct{ error }

func (hidden) Error() string { return "" }

func (h hidden) Unwrap() error { return h.error }
