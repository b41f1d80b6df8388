// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package checkers

import (
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

// reasons are the reasons for which a request may fail.
var reasons = sets.New(v1alpha1.RequestUnauthorized, v1alpha1.RequestNotFound, v1alpha1.RequestNoSpace, v1alpha1.RequestCancelled,
	v1alpha1.RequestEngineLost, v1alpha1.RequestDeadlineExceeded, v1alpha1.RequestFailedOtherwise)

// Ends finds requests that do not end, that end in two ways or without a reason, that vanish, and that are complete without
// the image.
func Ends(h *history.History) Result {
	var r Result
	for _, request := range h.Requests {
		r.checked()
		violated := func(format string, args ...any) {
			r.violated("%s, run %d: %s %s of %s: "+format, append([]any{request.Client, request.Run, request.Kind, request.Name, request.Image}, args...)...)
		}
		switch {
		case request.Gone && !request.Deleted && request.Run == request.LastRun:
			violated("it is gone, but nobody deleted it")
		case !request.Gone && !request.Finished():
			violated("it has not ended %v after its creation", request.Ended-request.Began)
		case request.Missing:
			violated("it is complete, but the image is not there")
		}
		ends := 0
		for _, conditions := range request.Conditions {
			if len(conditions) == 0 {
				continue
			}
			if ends++; ends > 1 {
				violated("it changes after its end: %v", conditions)
			}
			if wrong := wrongEnd(conditions, request.Deadline); wrong != "" {
				violated("%s: %v", wrong, conditions)
			}
		}
	}
	return r
}

// wrongEnd returns what is wrong with the conditions of a request that has ended, and "" if nothing is.
func wrongEnd(conditions []metav1.Condition, deadline bool) string {
	failed := meta.FindStatusCondition(conditions, v1alpha1.RequestFailed)
	switch complete := meta.IsStatusConditionTrue(conditions, v1alpha1.RequestComplete); {
	case !meta.IsStatusConditionTrue(conditions, v1alpha1.RequestFinished):
		return "it has ended, but is not Finished"
	case complete == (failed != nil):
		return "it must be either Complete or Failed"
	case failed == nil:
		return ""
	case failed.Status != metav1.ConditionTrue || !reasons.Has(failed.Reason) || failed.Message == "":
		return "it failed without a reason or a message"
	case failed.Reason == v1alpha1.RequestDeadlineExceeded && !deadline:
		return "it failed because of a deadline that it does not have"
	}
	return ""
}
