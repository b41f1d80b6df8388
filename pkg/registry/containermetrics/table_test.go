// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containermetrics

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func TestColumnsReadLikeKubectlTop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for want, change := range map[string]func(*v1alpha1.ContainerMetrics){
			"[web 103m 7Mi 256Mi 2 8s]": func(*v1alpha1.ContainerMetrics) {},
			"[web <unknown> <unknown> <unknown> <unknown> 8s]": func(m *v1alpha1.ContainerMetrics) {
				m.Usage, m.Limits, m.Pids = v1alpha1.ContainerMetricsResources{}, v1alpha1.ContainerMetricsResources{}, nil
			},
			"[web 103m 7Mi 256Mi 2 0s]":  func(m *v1alpha1.ContainerMetrics) { m.Timestamp = metav1.NewTime(time.Now().Add(time.Hour)) },
			"[web 0m 7Mi 256Mi 2 8s]":    func(m *v1alpha1.ContainerMetrics) { m.Usage.CPU = quantity("0") },
			"[web 2500m 7Mi 256Mi 2 8s]": func(m *v1alpha1.ContainerMetrics) { m.Usage.CPU = quantity("2500m") },
		} {
			m := &v1alpha1.ContainerMetrics{
				ObjectMeta: metav1.ObjectMeta{Name: "web"},
				Timestamp:  metav1.NewTime(time.Now().Add(-8 * time.Second)),
				Usage:      v1alpha1.ContainerMetricsResources{CPU: quantity("102000001n"), Memory: quantity("7656Ki")},
				Limits:     v1alpha1.ContainerMetricsResources{CPU: quantity("2"), Memory: quantity("256Mi")},
				Pids:       new(int64(2)),
			}
			change(m)
			shown, err := table.ConvertToTable(t.Context(), m, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(shown.Rows[0].Cells); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
	})
}

func quantity(text string) *resource.Quantity {
	parsed := resource.MustParse(text)
	return &parsed
}
