// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func TestOnlyWhatRunsIsDeletedGracefully(t *testing.T) {
	seconds := func(n int64) *int64 { return &n }
	for _, test := range []struct {
		status      v1alpha1.ContainerDockerStatus
		stopTimeout time.Duration
		asked       *int64
		graceful    bool
		grace       *int64
	}{
		{"running", 10 * time.Second, nil, true, seconds(10)},
		{"running", 0, nil, true, seconds(1)},
		{"running", 10 * time.Second, seconds(3), true, seconds(3)},
		{"running", 10 * time.Second, seconds(0), false, seconds(0)},
		{"paused", 10 * time.Second, nil, true, seconds(10)},
		{"restarting", 10 * time.Second, nil, true, seconds(10)},
		{"unknown", 10 * time.Second, nil, true, seconds(10)},
		{"created", 10 * time.Second, nil, false, nil},
		{"exited", 10 * time.Second, seconds(3), false, seconds(3)},
		{"dead", 10 * time.Second, nil, false, nil},
		{"removing", 10 * time.Second, nil, false, nil},
	} {
		s := strategy{stopTimeout: func(string) time.Duration { return test.stopTimeout }}
		options := &metav1.DeleteOptions{GracePeriodSeconds: test.asked}
		c := &v1alpha1.Container{Status: v1alpha1.ContainerStatus{Status: test.status}}
		graceful := s.CheckGracefulDelete(t.Context(), c, options)
		same := (options.GracePeriodSeconds == nil) == (test.grace == nil) && (test.grace == nil || *test.grace == *options.GracePeriodSeconds)
		if graceful != test.graceful || !same {
			t.Errorf("%+v: graceful %t, options %v", test, graceful, options)
		}
	}
}

func TestAClientIsWarnedThatItsLastAppliedConfigurationIsNotStored(t *testing.T) {
	applied := &v1alpha1.Container{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{corev1.LastAppliedConfigAnnotation: "{}"}}}
	if warnings := (strategy{}).WarningsOnUpdate(t.Context(), applied, &v1alpha1.Container{}); len(warnings) != 1 || !strings.Contains(warnings[0], "kept in memory") {
		t.Errorf("the warnings are %q", warnings)
	}
	if warnings := (strategy{}).WarningsOnUpdate(t.Context(), applied, applied); len(warnings) != 0 {
		t.Errorf("the warnings are %q", warnings)
	}
}
