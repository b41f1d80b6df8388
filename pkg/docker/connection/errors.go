// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package connection

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/client"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// APIError returns the API error for an error of Docker's. The message keeps Docker's own words.
func APIError(verb string, resource schema.GroupResource, name string, err error) error {
	if err == nil {
		return nil
	}
	if status := apierrors.APIStatus(nil); errors.As(err, &status) {
		return err
	}
	translated := translate(verb, resource, name, err)
	if translated.ErrStatus.Details == nil {
		translated.ErrStatus.Details = &metav1.StatusDetails{}
	}
	details := translated.ErrStatus.Details
	details.Group, details.Kind, details.Name = resource.Group, resource.Resource, name
	return translated
}

func translate(verb string, resource schema.GroupResource, name string, err error) *apierrors.StatusError {
	words := Words(err)
	said := errors.New(words)
	isChange := verb != "list" && verb != "inspect"
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		message := fmt.Sprintf("Docker did not answer in time to %s %s %q", verb, resource.Resource, name)
		if isUnanswered(err) {
			return apierrors.NewTimeoutError(message+mayBeDone, 0)
		}
		return apierrors.NewTimeoutError(message, 1)
	case isConnectionLost(err):
		return connectionLost(words, err)
	case verb == "delete" && deletionOutOfSpace.MatchString(words):
		return apierrors.NewInternalError(said)
	case isChange && IsConflict(err):
		return apierrors.NewConflict(resource, name, said)
	case isChange && refusalOf(words) == metav1.StatusReasonInvalid:
		return unprocessable(verb, resource, name, words)
	case isChange && refusalOf(words) == metav1.StatusReasonForbidden:
		return apierrors.NewForbidden(resource, name, said)
	case errdefs.IsNotFound(err):
		return apierrors.NewNotFound(resource, name)
	case errdefs.IsConflict(err), errdefs.IsNotImplemented(err):
		return apierrors.NewConflict(resource, name, said)
	case errdefs.IsInvalidArgument(err), errdefs.IsOutOfRange(err):
		return apierrors.NewBadRequest(words)
	case errdefs.IsPermissionDenied(err), errdefs.IsUnauthorized(err):
		return apierrors.NewForbidden(resource, name, said)
	case errdefs.IsUnavailable(err):
		return Unavailable(words)
	default:
		return apierrors.NewInternalError(said)
	}
}

// IsConflict reports whether Docker refuses because of an object's state, or because something else uses what the
// object needs.
func IsConflict(err error) bool {
	if err == nil {
		return false
	}
	reason := refusalOf(Words(err))
	return reason == metav1.StatusReasonConflict || reason == metav1.StatusReasonUnknown && errdefs.IsConflict(err)
}

// IsImpossible reports whether Docker refuses because the engine or its host lacks what it was asked for.
func IsImpossible(err error) bool {
	return err != nil && refusalOf(Words(err)) == metav1.StatusReasonInvalid
}

func isConnectionLost(err error) bool {
	return client.IsErrConnectionFailed(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// IsInProgress reports whether Docker refuses a removal because one is already under way.
func IsInProgress(err error) bool {
	return err != nil && strings.Contains(err.Error(), "already in progress")
}

// Words returns Docker's message on one line, without the prefix that the Docker client adds.
func Words(err error) string {
	words := strings.ReplaceAll(err.Error(), "Error response from daemon: ", "")
	return strings.Join(strings.Fields(words), " ")
}

// connectionLost returns the API error for a request that was not answered because the connection was lost. It gives no
// time to retry after if Docker may have made a change: clients would ask for the change again by themselves.
func connectionLost(message string, err error) *apierrors.StatusError {
	if isUnanswered(err) {
		return apierrors.NewServiceUnavailable(message + mayBeDone)
	}
	return Unavailable(message)
}

// Unavailable returns the error for every call while the engine does not answer.
func Unavailable(message string) *apierrors.StatusError {
	err := apierrors.NewServiceUnavailable(message)
	err.ErrStatus.Details = &metav1.StatusDetails{RetryAfterSeconds: 1}
	return err
}
