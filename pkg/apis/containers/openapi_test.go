// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"strings"
	"testing"

	"k8s.io/kube-openapi/pkg/validation/spec"

	"github.com/rancher-sandbox/engine-apiserver/pkg/generated/openapi"
)

func TestEveryTypeAndFieldIsDescribed(t *testing.T) {
	types := 0
	for name, definition := range openapi.GetOpenAPIDefinitions(func(name string) spec.Ref { return spec.MustCreateRef("#/" + name) }) {
		if !strings.HasPrefix(name, "io.rancherdesktop.containers.v1alpha1.") {
			continue
		}
		types++
		if definition.Schema.Description == "" {
			t.Errorf("%s has no description", name)
		}
		for field, schema := range definition.Schema.Properties {
			if schema.Description == "" {
				t.Errorf("%s.%s has no description", name, field)
			}
		}
	}
	if types == 0 {
		t.Error("there are no definitions of our types")
	}
}
