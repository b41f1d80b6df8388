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
)

// bodyGrace is how much longer than a request may take its body may take to come: its answer must not be cut off.
const bodyGrace = 5 * time.Second

// buildHandlerChain is the generic chain, but for what it has no limit or no words for. A body has to come in
// the time that a request may take: what was answered, or refused, before its body had come would else keep its connection
// for as long as the client likes. And a body that cannot be read is the client's mistake, not a 500.
func buildHandlerChain(apiHandler http.Handler, c *genericapiserver.Config) http.Handler {
	apiHandler = withCompletePatches(apiHandler, c.MaxRequestBodyBytes)
	chain := genericapiserver.DefaultBuildHandlerChain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hasBody(r) {
			r.Body = clientBody{r.Body}
		}
		apiHandler.ServeHTTP(w, r)
	}), c)
	timeout := c.RequestTimeout + bodyGrace
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hasBody(r) {
			// The next request of the connection begins without it. Only recorders of tests have no deadlines.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(timeout))
		}
		chain.ServeHTTP(w, r)
	})
}

func hasBody(r *http.Request) bool { return r.Body != nil && r.Body != http.NoBody }

// clientBody is a body whose errors are API errors.
type clientBody struct{ io.ReadCloser }

func (b clientBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = apierrors.NewBadRequest(fmt.Sprintf("the body of the request cannot be read: %v", err))
	}
	return n, err
}
