// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

func TestAnAppliedImageIsATag(t *testing.T) {
	k := anyKubectl(t)
	one, other, tag := engine.UniqueName("one")+":v1", engine.UniqueName("other")+":v1", engine.UniqueName("applied")+":v1"
	ids := map[string]string{one: docker.Image(t, one), other: docker.Image(t, other)}
	manifest := func(from string) string {
		return fmt.Sprintf("apiVersion: containers.rancherdesktop.io/v1alpha1\nkind: Image\nmetadata: {name: %q}\nspec: {from: %q}\n", tag, from)
	}
	shows := func(from string) {
		t.Helper()
		kubectl.Contains(t, k.OK(t, "get", "img", tag, "-o", "jsonpath={.spec.from} {.status.id}"), ids[from]+" "+ids[from])
	}
	kubectl.Contains(t, k.Apply(t, manifest(one)), "created")
	shows(one)
	kubectl.Contains(t, k.OK(t, "get", "img", tag, "-o", "yaml"), "last-applied-configuration")
	kubectl.Contains(t, k.Apply(t, manifest(other)), "configured")
	shows(other)
	k.Apply(t, manifest(ids[other]))
	kubectl.Contains(t, k.Apply(t, manifest(ids[other])), "unchanged")
	k.OK(t, "patch", "img", tag, "--type=merge", "-p", fmt.Sprintf(`{"spec":{"from":%q}}`, one))
	shows(one)
	k.Fails(t, []string{"spec.from"}, "patch", "img", tag, "--type=merge", "-p", `{"spec":{"from":"nowhere:v1"}}`)
	kubectl.Contains(t, k.OK(t, "explain", "images.spec.from"), "name or the ID")
	k.OK(t, "delete", "img", tag)
	kubectl.Contains(t, k.OK(t, "get", "img", one, "-o", "name"), one)
}
