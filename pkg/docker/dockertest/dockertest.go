// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package dockertest holds what the tests of several packages of pkg/docker use.
package dockertest

import (
	"errors"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// IDA and IDB are two IDs as Docker gives them.
const (
	IDA = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	IDB = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
)

// These times are in the form in which Docker writes them. Never is how it writes that there is none.
const (
	CreatedAt  = "2026-01-02T03:04:05.678901234+02:00"
	StartedAt  = "2026-01-02T03:05:06.1Z"
	FinishedAt = "2026-01-02T03:06:07.9Z"
	Never      = "0001-01-01T00:00:00Z"
)

// Must ends the test if err is not nil.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Contains reports whether err is an error whose text contains part.
func Contains(err error, part string) bool { return err != nil && strings.Contains(err.Error(), part) }

// Code returns the HTTP status of an API error, or 0 if err is none.
func Code(err error) int32 {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return status.Status().Code
	}
	return 0
}

// Since returns the time of a condition's last transition.
func Since(t testing.TB, conditions []metav1.Condition, kind string) time.Time {
	t.Helper()
	found := meta.FindStatusCondition(conditions, kind)
	if found == nil {
		t.Fatalf("no condition %s in %+v", kind, conditions)
	}
	return found.LastTransitionTime.Time
}
