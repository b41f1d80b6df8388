// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// withCompletePatches refuses JSON patches that have an operation without a required value, because applying such a
// patch panics. It leaves bodies longer than limit to the handler, which refuses them.
func withCompletePatches(handler http.Handler, limit int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		contentType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
		if r.Method != http.MethodPatch || types.PatchType(strings.TrimSpace(contentType)) != types.JSONPatchType || !hasBody(r) {
			handler.ServeHTTP(w, r)
			return
		}
		patch, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
		if err == nil && int64(len(patch)) <= limit {
			err = checkComplete(patch)
		}
		if err != nil {
			responsewriters.ErrorNegotiated(err, Codecs, v1alpha1.SchemeGroupVersion, w, r)
			return
		}
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(patch), r.Body), r.Body}
		handler.ServeHTTP(w, r)
	})
}

// checkComplete returns an error if an operation lacks a required value. It leaves a body that is not a JSON patch to
// the handler, which refuses it.
func checkComplete(patch []byte) error {
	var operations []map[string]json.RawMessage
	if json.Unmarshal(patch, &operations) != nil {
		return nil
	}
	for i, operation := range operations {
		var op string
		if json.Unmarshal(operation["op"], &op) != nil {
			continue
		}
		_, hasValue := operation["value"]
		if needsValue := op == "add" || op == "replace" || op == "test"; needsValue && !hasValue {
			return apierrors.NewBadRequest(fmt.Sprintf("operation %d of the JSON patch, %q, has no value", i, op))
		}
	}
	return nil
}
