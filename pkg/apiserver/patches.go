// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// checksOfPatches refuse patches that make the code of Kubernetes panic which applies them.
var checksOfPatches = map[types.PatchType]func(patch []byte) error{
	types.JSONPatchType:           checkComplete,
	types.StrategicMergePatchType: checkKeys,
}

// withCheckedPatches refuses patches that would cause a panic. It leaves bodies longer than limit to the handler, which refuses
// them.
func withCheckedPatches(handler http.Handler, limit int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		contentType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
		check := checksOfPatches[types.PatchType(strings.TrimSpace(contentType))]
		if r.Method != http.MethodPatch || check == nil || !hasBody(r) {
			handler.ServeHTTP(w, r)
			return
		}
		patch, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
		if err == nil && int64(len(patch)) <= limit {
			err = check(patch)
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

// checkComplete returns an error if an operation of a JSON patch lacks a required value. It leaves a body that is not a JSON patch to
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

// mergeKeys are the fields by which strategic merge patches find the items of lists.
var mergeKeys = []string{"name", "subnet", "target", "uid"}

// checkKeys returns an error if a strategic merge patch looks for something in a list by an object or by another list, because
// these cannot be compared. It leaves a body that is not JSON to the handler, which refuses it.
func checkKeys(patch []byte) error {
	var content map[string]any
	if json.Unmarshal(patch, &content) != nil {
		return nil
	}
	return checkKeysOf("", content)
}

func checkKeysOf(path string, object map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		below := strings.TrimPrefix(path+"."+name, ".")
		switch value := object[name].(type) {
		case map[string]any:
			if err := checkKeysOf(below, value); err != nil {
				return err
			}
		case []any:
			// finalizers is the only list of texts that patches do not replace as a whole.
			areTexts := strings.HasSuffix(name, "finalizers") || strings.HasPrefix(name, "$deleteFromPrimitiveList/")
			if err := checkItems(below, value, areTexts); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkItems(path string, items []any, areTexts bool) error {
	for i, item := range items {
		at := fmt.Sprintf("%s[%d]", path, i)
		if areTexts && isComposite(item) {
			return apierrors.NewBadRequest(fmt.Sprintf("%s of the strategic merge patch must be a text", at))
		}
		object, _ := item.(map[string]any)
		for _, key := range mergeKeys {
			if isComposite(object[key]) {
				return apierrors.NewBadRequest(fmt.Sprintf("%s.%s of the strategic merge patch must be a text", at, key))
			}
		}
		if err := checkKeysOf(at, object); err != nil {
			return err
		}
	}
	return nil
}

// isComposite reports whether a value of JSON is an object or a list.
func isComposite(value any) bool {
	switch value.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}
