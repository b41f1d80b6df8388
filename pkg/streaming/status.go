// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streaming

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/remotecommand"
	"k8s.io/utils/exec"
)

// status returns what a client is told about a command that ended with err.
func status(err error) metav1.Status {
	if err == nil {
		return metav1.Status{Status: metav1.StatusSuccess}
	}
	if exit, ok := exitError(err); ok {
		return metav1.Status{
			Status:  metav1.StatusFailure,
			Reason:  remotecommand.NonZeroExitCodeReason,
			Message: "command terminated with non-zero exit code: " + exit.Error(),
			Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{{
				Type: remotecommand.ExitCodeCauseType, Message: strconv.Itoa(exit.ExitStatus()),
			}}},
			Code: http.StatusInternalServerError,
		}
	}
	var typed apierrors.APIStatus
	if errors.As(err, &typed) {
		return typed.Status()
	}
	return apierrors.NewInternalError(err).Status()
}

// exitError returns the exit code that err stands for, if it stands for one.
func exitError(err error) (exec.ExitError, bool) {
	var exit exec.ExitError
	ok := errors.As(err, &exit) && exit.Exited()
	return exit, ok
}

func encodeStatus(err error) ([]byte, error) { return json.Marshal(status(err)) }
