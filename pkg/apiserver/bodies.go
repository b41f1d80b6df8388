// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	genericapiserver "k8s.io/apiserver/pkg/server"

	"github.com/rancher-sandbox/engine-apiserver/pkg/registry/credentials"
)

// bodyGrace is how much longer than the request its body may take. The server can then still answer the request before
// it ends the connection.
const bodyGrace = 5 * time.Second

// buildHandlerChain returns the generic handler chain with five additions. Nothing in it sees the credentials for registries.
// A body has to arrive within the time that a request may take. Without this limit, a client that never sends its body would
// keep its connection for as long as it likes, even after the request was answered or refused. If a body cannot be read, the
// client gets a 400 instead of a 500. For the others see withCheckedPatches and withReadableQueries.
func buildHandlerChain(apiHandler http.Handler, c *genericapiserver.Config) http.Handler {
	apiHandler = withReadableQueries(withCheckedPatches(apiHandler, c.MaxRequestBodyBytes))
	chain := genericapiserver.DefaultBuildHandlerChain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hasBody(r) {
			r.Body = clientBody{r.Body}
		}
		apiHandler.ServeHTTP(w, r)
	}), c)
	timeout := c.RequestTimeout + bodyGrace
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = credentials.TakeHeader(r)
		if hasBody(r) {
			// The next request on the connection starts without this deadline. Only the recorders of tests do not
			// support deadlines.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(timeout))
		}
		chain.ServeHTTP(w, r)
	})
}

func hasBody(r *http.Request) bool { return r.Body != nil && r.Body != http.NoBody }

// clientBody is a request body whose read errors are API errors.
type clientBody struct{ io.ReadCloser }

func (b clientBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = apierrors.NewBadRequest(fmt.Sprintf("the body of the request cannot be read: %v", err))
	}
	return n, err
}
