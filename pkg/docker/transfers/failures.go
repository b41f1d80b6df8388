// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package transfers

import (
	"errors"
	"net"
	"regexp"

	"github.com/containerd/errdefs"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
)

// Failure is why a transfer failed. Its reason is one of those of the condition Failed.
type Failure struct {
	Reason string
	Err    error
}

// Error implements error.
func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap returns the error without its reason.
func (f *Failure) Unwrap() error { return f.Err }

// FailureReason returns the reason.
func (f *Failure) FailureReason() string { return f.Reason }

// reasons recognizes failures by Docker's words. Docker has no other sign of them in the messages of a transfer. The
// first one that matches counts: a registry says that it denies an image that may not exist.
var reasons = []struct {
	reason string
	words  *regexp.Regexp
}{
	{v1alpha1.RequestNoSpace, connection.Fold(`no space left on device|disk quota exceeded|not enough space`)},
	{v1alpha1.RequestUnauthorized, connection.Fold(`unauthorized|authentication required|no basic auth credentials|denied|forbidden|incorrect username or password`)},
	// Docker's own context ends when it stops. Ours is looked at before the words are.
	{v1alpha1.RequestEngineLost, connection.Fold(`context canceled|transport is closing|connection to the container engine was lost`)},
	{v1alpha1.RequestNotFound, connection.Fold(`manifest unknown|name unknown|no matching manifest|not found|does not exist|no such image`)},
}

// failureOf returns the failure for an error of Docker's.
func failureOf(err error) *Failure {
	if failure := (*Failure)(nil); errors.As(err, &failure) {
		return failure
	}
	if apierrors.IsServiceUnavailable(err) || errors.As(err, new(*net.OpError)) {
		return &Failure{v1alpha1.RequestEngineLost, err}
	}
	words := connection.Words(err)
	said := errors.New(words)
	for _, known := range reasons {
		if known.words.MatchString(words) {
			return &Failure{known.reason, said}
		}
	}
	switch {
	case errdefs.IsUnauthorized(err), errdefs.IsPermissionDenied(err):
		return &Failure{v1alpha1.RequestUnauthorized, said}
	case errdefs.IsNotFound(err):
		return &Failure{v1alpha1.RequestNotFound, said}
	}
	return &Failure{v1alpha1.RequestFailedOtherwise, said}
}
