// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/passthrough"
)

// withReadableQueries refuses requests whose query cannot be read. The generic handlers leave out the parameters that they
// cannot read: without its selector, a deletion of some objects would be one of all. The passthrough has errors of its own.
func withReadableQueries(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := url.ParseQuery(r.URL.RawQuery); err != nil && !strings.HasPrefix(r.URL.Path, passthrough.LogsPath) {
			err = apierrors.NewBadRequest(fmt.Sprintf("the query of the request cannot be read: %v: encode its values", err))
			responsewriters.ErrorNegotiated(err, Codecs, v1alpha1.SchemeGroupVersion, w, r)
			return
		}
		handler.ServeHTTP(w, r)
	})
}
