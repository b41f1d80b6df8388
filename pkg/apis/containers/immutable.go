// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// ValidateImmutable returns one error for each field of a struct that differs. It leaves out the mutable fields, which have the
// names that they have in JSON.
func ValidateImmutable[T any](path *field.Path, updated, old *T, mutable ...string) field.ErrorList {
	var errs field.ErrorList
	before, after := reflect.ValueOf(*old), reflect.ValueOf(*updated)
	for i := range before.NumField() {
		name, _, _ := strings.Cut(before.Type().Field(i).Tag.Get("json"), ",")
		if !slices.Contains(mutable, name) {
			errs = append(errs, validation.ValidateImmutableField(after.Field(i).Interface(), before.Field(i).Interface(), path.Child(name))...)
		}
	}
	return errs
}
