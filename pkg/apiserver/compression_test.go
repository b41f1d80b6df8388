// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestOnlyAnswersThatLeaveTheMachineAreCompressed(t *testing.T) {
	for _, c := range []struct {
		from, forwarded string
		want            string
	}{
		{"127.0.0.1:1234", "", ""},
		{"[::1]:1234", "", ""},
		{"[::ffff:127.0.0.1]:1234", "", ""},
		{"127.0.0.1:1234", "192.0.2.7", "gzip"},
		{"192.0.2.7:1234", "", "gzip"},
		{"[2001:db8::1]:1234", "", "gzip"},
		{"@", "", "gzip"},
	} {
		got := "not called"
		handler := withoutLocalCompression(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			got = r.Header.Get("Accept-Encoding")
		}))
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.RemoteAddr = c.from
		request.Header.Set("Accept-Encoding", "gzip")
		if c.forwarded != "" {
			request.Header.Set("X-Forwarded-For", c.forwarded)
		}
		handler.ServeHTTP(httptest.NewRecorder(), request)
		if got != c.want {
			t.Errorf("from %s for %q: %q, want %q", c.from, c.forwarded, got, c.want)
		}
	}
}
