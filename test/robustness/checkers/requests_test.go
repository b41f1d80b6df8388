// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package checkers

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

func ended(kind, reason string) []metav1.Condition {
	return []metav1.Condition{
		{Type: kind, Status: metav1.ConditionTrue, Reason: reason, Message: "as Docker says"},
		{Type: v1alpha1.RequestFinished, Status: metav1.ConditionTrue, Reason: reason, Message: "as Docker says"},
	}
}

// requests returns requests that keep the promise.
func requests() []*history.Request {
	complete := [][]metav1.Condition{nil, ended(v1alpha1.RequestComplete, v1alpha1.RequestComplete)}
	return []*history.Request{
		{Kind: "pull", Name: "complete", Conditions: complete, Ended: time.Minute},
		{Kind: "push", Name: "failed", Conditions: [][]metav1.Condition{ended(v1alpha1.RequestFailed, v1alpha1.RequestEngineLost)}},
		{Kind: "pull", Name: "late", Conditions: [][]metav1.Condition{ended(v1alpha1.RequestFailed, v1alpha1.RequestDeadlineExceeded)}, Deadline: true},
		{Kind: "pull", Name: "deleted", Conditions: [][]metav1.Condition{nil}, Deleted: true, Gone: true},
		{Kind: "pull", Name: "lost", Conditions: [][]metav1.Condition{nil}, Run: 1, LastRun: 2, Gone: true},
	}
}

func TestEachFaultOfARequestIsCaught(t *testing.T) {
	if result := Ends(&history.History{Requests: requests()}); len(result.Violations) > 0 || result.Checks == 0 {
		t.Fatalf("%+v", result)
	}
	const complete, failed, late, deleted, lost = 0, 1, 2, 3, 4
	last := func(r *history.Request) *[]metav1.Condition { return &r.Conditions[len(r.Conditions)-1] }
	for fault, test := range map[string]struct {
		inject func(r []*history.Request)
		says   string
	}{
		"a request does not end":            {func(r []*history.Request) { r[complete].Conditions = r[complete].Conditions[:1] }, "pull complete of : it has not ended 1m0s after"},
		"a deletion does not end a request": {func(r []*history.Request) { r[deleted].Gone = false }, "pull deleted of : it has not ended"},
		"a request vanishes":                {func(r []*history.Request) { r[deleted].Deleted = false }, "gone, but nobody deleted it"},
		"a request vanishes without a restart": {func(r []*history.Request) { r[lost].LastRun = 1 },
			"gone, but nobody deleted it"},
		"the image is not there": {func(r []*history.Request) { r[complete].Missing = true }, "complete, but the image is not there"},
		"a request is complete and failed": {func(r []*history.Request) {
			*last(r[complete]) = append(*last(r[complete]), ended(v1alpha1.RequestFailed, v1alpha1.RequestEngineLost)[0])
		}, "either Complete or Failed"},
		"a request is neither complete nor failed": {func(r []*history.Request) { *last(r[failed]) = (*last(r[failed]))[1:] }, "either Complete or Failed"},
		"a request that has ended is not finished": {func(r []*history.Request) { *last(r[failed]) = (*last(r[failed]))[:1] }, "is not Finished"},
		"a failure has no reason":                  {func(r []*history.Request) { (*last(r[failed]))[0].Reason = "Odd" }, "without a reason"},
		"a failure has no message":                 {func(r []*history.Request) { (*last(r[failed]))[0].Message = "" }, "without a reason or a message"},
		"a deadline is over that was not given":    {func(r []*history.Request) { r[late].Deadline = false }, "a deadline that it does not have"},
		"a failed request becomes complete": {func(r []*history.Request) {
			r[failed].Conditions = append(r[failed].Conditions, ended(v1alpha1.RequestComplete, v1alpha1.RequestComplete))
		}, "changes after its end"},
	} {
		h := &history.History{Requests: requests()}
		test.inject(h.Requests)
		if found := Ends(h).Violations; len(found) != 1 || !strings.Contains(found[0], test.says) {
			t.Errorf("%s: %q, want %q", fault, found, test.says)
		}
	}
}
