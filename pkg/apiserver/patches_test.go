// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"github.com/rancher-sandbox/engine-apiserver/pkg/generated/openapi"
)

func TestAPatchThatLooksForAnItemByAnObjectIsRefused(t *testing.T) {
	for patch, want := range map[string]string{
		`{"spec":{"mounts":[{"type":"tmpfs","target":{}}]}}`:              "spec.mounts[0].target of the strategic merge patch must be a text",
		`{"spec":{"$setElementOrder/env":[{"name":"A"},{"name":[]}]}}`:    "spec.$setElementOrder/env[1].name of the",
		`{"metadata":{"finalizers":["a",{}]}}`:                            "metadata.finalizers[1] of the",
		`{"metadata":{"$deleteFromPrimitiveList/finalizers":[["a"]]}}`:    "metadata.$deleteFromPrimitiveList/finalizers[0] of the",
		`{"spec":{"ipam":{"config":[{"subnet":{"$patch":"delete"}}]}}}`:   "spec.ipam.config[0].subnet of the",
		`{"spec":{"env":[{"name":"A","$patch":"delete"}]},"metadata":{}}`: "",
		`{"spec":{"healthCheck":{"command":["a",{}]},"name":{}}}`:         "", // the handler refuses wrong types
		`[{"target":{}}]`: "",
		`{`:               "",
	} {
		err := checkKeys([]byte(patch))
		if isRefused := err != nil; isRefused != (want != "") || isRefused && (!apierrors.IsBadRequest(err) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: the error is %v, want %q", patch, err, want)
		}
	}
}

func TestTheKeysOfAllListsAreChecked(t *testing.T) {
	keys := map[string]bool{}
	for name, definition := range openapi.GetOpenAPIDefinitions(func(name string) spec.Ref { return spec.MustCreateRef("#/" + name) }) {
		for field, schema := range definition.Schema.Properties {
			key, hasKey := schema.Extensions.GetString("x-kubernetes-patch-merge-key")
			strategy, _ := schema.Extensions.GetString("x-kubernetes-patch-strategy")
			switch {
			case hasKey:
				keys[key] = true
				if !slices.Contains(mergeKeys, key) {
					t.Errorf("%s.%s has the key %s", name, field, key)
				}
			case strings.Contains(strategy, "merge") && schema.Items != nil && field != "finalizers":
				t.Errorf("%s.%s is merged as a list of texts", name, field)
			}
		}
	}
	if len(keys) != len(mergeKeys) {
		t.Errorf("lists have the keys %v, and %v are checked", keys, mergeKeys)
	}
}
