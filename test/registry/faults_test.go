// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/test/registry"
)

func TestASlowRegistryIsAsSlowAsItIsToldToBe(t *testing.T) {
	const size, piece = 3_000_000, 10_000
	for bytesPerSecond, want := range map[int]time.Duration{100_000: 30 * time.Second, 6_000_000: time.Second / 2} {
		synctest.Test(t, func(t *testing.T) {
			answer, begun := httptest.NewRecorder(), time.Now()
			registry.Slow(bytesPerSecond)(answer, httptest.NewRequest(http.MethodGet, "/", nil), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for range size / piece {
					if _, err := w.Write(bytes.Repeat([]byte("x"), piece)); err != nil {
						t.Error(err)
					}
				}
			}))
			if took := time.Since(begun); took != want || answer.Body.Len() != size {
				t.Errorf("%d bytes at %d bytes a second: %d bytes arrive in %s, want %s", size, bytesPerSecond, answer.Body.Len(), took, want)
			}
		})
	}
}
