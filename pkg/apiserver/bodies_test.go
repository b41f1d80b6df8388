// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/iotest"
)

func TestABodyThatCannotBeReadIsTheClientsMistake(t *testing.T) {
	source := newFakeContainers(running("web"))
	server := serveContainers(t, source)
	for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodDelete} {
		request := httptest.NewRequestWithContext(t.Context(), method, defaultPath+"/containers/web", io.NopCloser(iotest.ErrReader(errors.New("the cable is cut"))))
		request.Header.Set("Content-Type", map[string]string{http.MethodPatch: "application/merge-patch+json"}[method])
		answer := httptest.NewRecorder()
		server.Config.Handler.ServeHTTP(answer, request)
		check(t, answer.Code, answer.Body.String(), http.StatusBadRequest, `"reason":"BadRequest"`, "the cable is cut")
	}
	if calls := source.took(); calls != "" {
		t.Errorf("the source was told %q", calls)
	}
}
