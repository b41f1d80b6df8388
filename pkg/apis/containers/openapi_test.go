// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"reflect"
	"strings"
	"testing"

	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/generated/openapi"
)

const ours = "io.rancherdesktop.containers.v1alpha1."

func definitions() map[string]common.OpenAPIDefinition {
	return openapi.GetOpenAPIDefinitions(func(name string) spec.Ref { return spec.MustCreateRef("#/" + name) })
}

// isSentence reports whether a description has words about the thing of that name, and begins with the name.
func isSentence(description, name string) bool {
	first, _, _ := strings.Cut(description, "\n\n")
	return strings.HasPrefix(first, name+" ") && len(strings.Fields(first)) > 3 && strings.HasSuffix(first, ".")
}

func TestEveryTypeAndFieldIsDescribed(t *testing.T) {
	types := 0
	for name, definition := range definitions() {
		kind, isOurs := strings.CutPrefix(name, ours)
		if !isOurs {
			continue
		}
		types++
		if !isSentence(definition.Schema.Description, kind) {
			t.Errorf("%s is described as %q", kind, definition.Schema.Description)
		}
		for field, schema := range definition.Schema.Properties {
			isOfKubernetes := field == "kind" || field == "apiVersion"
			if !isOfKubernetes && !isSentence(schema.Description, field) {
				t.Errorf("%s.%s is described as %q", kind, field, schema.Description)
			}
		}
	}
	if types == 0 {
		t.Error("there are no definitions of our types")
	}
}

func TestKubectlExplainHasWordsForEveryFieldAtEveryDepth(t *testing.T) {
	all, seen := definitions(), map[string]bool{}
	var check func(path, name string)
	check = func(path, name string) {
		definition, there := all[name]
		if !there {
			t.Errorf("%s is a %s, which has no definition", path, name)
		}
		if seen[name] {
			return
		}
		seen[name] = true
		for field, schema := range definition.Schema.Properties {
			below := path + "." + field
			if len(strings.Fields(schema.Description)) < 3 {
				t.Errorf("%s is described as %q", below, schema.Description)
			}
			for _, part := range parts(schema) {
				if name, isReference := strings.CutPrefix(part.Ref.String(), "#/"); isReference {
					check(below, name)
				}
			}
		}
	}
	for _, object := range v1alpha1.KnownTypes() {
		kind := reflect.TypeOf(object).Elem().Name()
		check(kind, ours+kind)
	}
}

// parts returns a schema, and the schema of its items or values.
func parts(schema spec.Schema) []spec.Schema {
	found := append([]spec.Schema{schema}, schema.AllOf...)
	if schema.Items != nil {
		found = append(found, *schema.Items.Schema)
	}
	if schema.AdditionalProperties != nil {
		found = append(found, *schema.AdditionalProperties.Schema)
	}
	return found
}
