// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package sourcetest

import (
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// Observer has the methods of a source that read.
type Observer interface {
	Subjects(ctx context.Context) ([]string, error)
	Observe(ctx context.Context, subject string) (map[string]runtime.Object, []string, error)
	Lookup(ctx context.Context, key string) (string, error)
}

// Observe reads the answer in every way in which the source reads one. It returns the objects that the subject
// shows.
func Observe(t *testing.T, s Observer, subject string) map[string]runtime.Object {
	t.Helper()
	_, _ = s.Subjects(t.Context())
	if found, err := s.Lookup(t.Context(), "engine/"+subject[strings.LastIndexByte(subject, '/')+1:]); err == nil && found != "" && found != subject {
		t.Errorf("asked for %s, the answer leads to %q", subject, found)
	}
	objects, _, err := s.Observe(t.Context(), subject)
	if err != nil && len(objects) > 0 {
		t.Errorf("both objects and an error: %v", err)
	}
	again, _, _ := s.Observe(t.Context(), subject)
	if !reflect.DeepEqual(objects, again) {
		t.Errorf("the same answer shows as %+v and as %+v", objects, again)
	}
	for key, object := range objects {
		checkObject(t, key, object)
	}
	return objects
}

// checkObject fails the test unless an API can serve the object under that key.
func checkObject(t *testing.T, key string, object runtime.Object) {
	t.Helper()
	accessor := object.(metav1.Object)
	if key != "engine/"+accessor.GetName() || accessor.GetNamespace() != "engine" || accessor.GetUID() == "" {
		t.Errorf("%s is the key of %+v", key, accessor)
	}
	errs := validation.ValidateObjectMetaAccessor(accessor, true, validateSegment, field.NewPath("metadata"))
	errs = append(errs, metav1validation.ValidateLabels(accessor.GetLabels(), field.NewPath("metadata", "labels"))...)
	errs = append(errs, metav1validation.ValidateConditions(conditionsOf(object), field.NewPath("status", "conditions"))...)
	if len(errs) > 0 {
		t.Errorf("%s is invalid: %v", key, errs)
	}
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatalf("%s cannot be encoded: %v", key, err)
	}
	decoded := reflect.New(reflect.TypeOf(object).Elem()).Interface().(runtime.Object)
	if err := json.Unmarshal(text, decoded); err != nil {
		t.Fatalf("%s cannot be decoded: %v\n%s", key, err, text)
	}
	if !apiequality.Semantic.DeepEqual(object, decoded) {
		t.Errorf("%s comes back as another:\n%+v\n%+v", key, object, decoded)
	}
}

func validateSegment(name string, _ bool) []string { return content.IsPathSegmentName(name) }

func conditionsOf(object runtime.Object) []metav1.Condition {
	switch object := object.(type) {
	case *v1alpha1.Container:
		return object.Status.Conditions
	case *v1alpha1.Image:
		return object.Status.Conditions
	}
	return nil
}

// Keys returns the keys of the objects, sorted.
func Keys(objects map[string]runtime.Object) []string { return slices.Sorted(maps.Keys(objects)) }

// Encode returns the JSON of a value.
func Encode(t testing.TB, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
