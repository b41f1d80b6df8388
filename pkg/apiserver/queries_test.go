// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestARequestWhoseQueryCannotBeReadDoesNothing(t *testing.T) {
	source := newFakeContainers(running("web"))
	server := serveContainers(t, source)
	for _, query := range []string{"labelSelector=app=%zz", "labelSelector=app;x", "fieldSelector=status.name=x%", "%", "a;b"} {
		for path, methods := range map[string][]string{
			"/containers":     {http.MethodGet, http.MethodDelete},
			"/containers/web": {http.MethodGet, http.MethodDelete, http.MethodPut},
		} {
			for _, method := range methods {
				request := httptest.NewRequestWithContext(t.Context(), method, defaultPath+path, nil)
				request.URL.RawQuery = query
				answer := httptest.NewRecorder()
				server.Config.Handler.ServeHTTP(answer, request)
				check(t, answer.Code, answer.Body.String(), http.StatusBadRequest, `"reason":"BadRequest"`, "the query of the request cannot be read")
			}
		}
	}
	if calls := source.took(); calls != "" {
		t.Errorf("the source was told %q", calls)
	}
}
