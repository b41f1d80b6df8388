// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// everywhere are the query parameters that Kubernetes' clients send with any request.
var everywhere = []string{"pretty", "timeout"}

// truths are the values that Kubernetes' clients send for true and false. An empty value is true.
var truths = []string{"", "1", "true", "0", "false"}

// strictParameters refuses query parameters that the options do not have, that stand twice, or whose values are
// mistakes. The generic codec ignores the first two, and takes any text for true.
type strictParameters struct{ runtime.ParameterCodec }

// DecodeParameters implements runtime.ParameterCodec.
func (s strictParameters) DecodeParameters(parameters url.Values, from schema.GroupVersion, into runtime.Object) error {
	known := parametersOf(into)
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		if slices.Contains(everywhere, name) {
			continue
		}
		kind, ok := known[name]
		if !ok {
			return fmt.Errorf("there is no parameter %q: use one of %s", name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		if err := checkParameter(kind, parameters[name]); err != nil {
			return fmt.Errorf("parameter %s: %w", name, err)
		}
	}
	return s.ParameterCodec.DecodeParameters(parameters, from, into)
}

// parametersOf returns the types of the query parameters that the options have, by name.
func parametersOf(options runtime.Object) map[string]reflect.Type {
	parameters := map[string]reflect.Type{}
	for _, field := range reflect.VisibleFields(reflect.TypeOf(options).Elem()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name != "" && len(field.Index) == 1 {
			parameters[name] = field.Type
		}
	}
	return parameters
}

// checkParameter checks the values that a query has for a parameter.
func checkParameter(kind reflect.Type, values []string) error {
	if kind.Kind() == reflect.Slice {
		return nil
	}
	if len(values) > 1 {
		return fmt.Errorf("it is given %d times", len(values))
	}
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	switch value := values[0]; kind.Kind() {
	case reflect.Bool:
		if !slices.Contains(truths, strings.ToLower(value)) {
			return fmt.Errorf("%q is neither true nor false", value)
		}
	case reflect.Int64:
		if _, err := strconv.ParseInt(value, 10, 64); err != nil {
			return fmt.Errorf("%q is not a number, or too large", value)
		}
	}
	return nil
}
