// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package imagerequest

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func TestAStatusIsOneWord(t *testing.T) {
	with := func(kind, reason string) v1alpha1.ImageRequestStatus {
		return v1alpha1.ImageRequestStatus{Conditions: []metav1.Condition{
			{Type: kind, Status: metav1.ConditionTrue, Reason: reason}, {Type: v1alpha1.RequestFinished, Status: metav1.ConditionTrue, Reason: reason},
		}}
	}
	for want, status := range map[string]v1alpha1.ImageRequestStatus{
		"Pulling":           {},
		"Complete":          with(v1alpha1.RequestComplete, "Complete"),
		"Failed":            with(v1alpha1.RequestFailed, "Failed"),
		"Failed (NotFound)": with(v1alpha1.RequestFailed, "NotFound"),
	} {
		if got := statusText("Pulling", &status); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestProgressIsShownAsFarAsItIsKnown(t *testing.T) {
	for want, status := range map[string]v1alpha1.ImageRequestStatus{
		"":          {},
		"1.5MB":     {CurrentBytes: 1_500_000},
		"0B/3MB":    {TotalBytes: 3_000_000},
		"1.5MB/3MB": {CurrentBytes: 1_500_000, TotalBytes: 3_000_000},
	} {
		if got := Progress(&status); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
