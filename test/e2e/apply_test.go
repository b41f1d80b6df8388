// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

const apiVersion = "apiVersion: containers.rancherdesktop.io/v1alpha1\n"

// A creation is a kind whose objects are made by kubectl apply.
type creation struct {
	kind, resource string
	specs          []string
	// inspect returns what Docker says of an object, without what is different each time it is made.
	inspect func(t *testing.T, name string) string
}

// appliedAgain applies an object with each spec, and then the same once more. The first time must create the objects. The
// second time must find nothing to change, and so must kubectl diff. It does the same by server-side apply. Then it makes the
// objects again from the YAML that kubectl get prints.
func (c creation) appliedAgain(t *testing.T, k kubectl.Kubectl) {
	run := engine.UniqueName("run_Applied")
	selector := "run=" + run
	var names []string
	var manifest strings.Builder
	for i, spec := range c.specs {
		names = append(names, fmt.Sprintf("%s.%d", run, i))
		fmt.Fprintf(&manifest, "---\n%skind: %s\nmetadata: {name: %s, labels: {run: %s, empty: ''}}\n%s\n", apiVersion, c.kind, names[i], run, spec)
	}
	t.Cleanup(func() { k.OK(t, "delete", c.resource, "-l", selector) })
	count := func(printed, word string) {
		t.Helper()
		if strings.Count(printed, " "+word) != len(names) {
			t.Errorf("not all are %s:\n%s", word, printed)
		}
	}
	versions := func() string {
		return k.OK(t, "get", c.resource, "-l", selector, "-o", "jsonpath={.items[*].metadata.resourceVersion}")
	}
	inspections := func() (all []string) {
		for _, name := range names {
			all = append(all, c.inspect(t, name))
		}
		return all
	}
	for _, args := range [][]string{{"--server-side"}, nil} {
		first := k.Apply(t, manifest.String(), args...)
		before := versions()
		again := k.Apply(t, manifest.String(), args...)
		if len(args) == 0 {
			count(first, "created")
			count(again, "unchanged")
		} else {
			k.Apply(t, manifest.String(), append(args, "--field-manager=another")...)
		}
		if after := versions(); after != before {
			t.Errorf("the second apply %s moved the versions from %s to %s", args, before, after)
		}
		if diff := k.With(t, manifest.String(), append([]string{"diff", "-f", "-"}, args...)...); diff != "" {
			t.Errorf("kubectl diff %s finds\n%s", args, diff)
		}
		count(k.With(t, manifest.String(), "replace", "-f", "-"), "replaced")
		if after := versions(); len(args) > 0 && after != before { // replace drops what kubectl applied last
			t.Errorf("replace moved the versions from %s to %s", before, after)
		}
		made := inspections()
		yaml := k.OK(t, "get", c.resource, "-l", selector, "-o", "yaml")
		k.OK(t, "delete", c.resource, "-l", selector)
		count(k.With(t, yaml, "create", "-f", "-"), "created")
		for i, again := range inspections() {
			if again != made[i] {
				t.Errorf("%s: from its own YAML\n%s\nwas made, and not\n%s", c.specs[i], again, made[i])
			}
		}
		if len(args) > 0 {
			k.OK(t, "delete", c.resource, "-l", selector)
		}
	}
}

// asJSON returns a value as JSON, with the keys of maps in order.
func asJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// madeAgain deletes an object, and creates it from the YAML that kubectl get printed.
func madeAgain(t *testing.T, k kubectl.Kubectl, resource, name string) {
	t.Helper()
	yaml := k.OK(t, "get", resource, name, "-o", "yaml")
	k.OK(t, "delete", resource, name)
	kubectl.Contains(t, k.With(t, yaml, "create", "-f", "-"), " created")
}

// TestTheExamplesOfVolumesAndNetworksCanBeApplied applies the examples that need nothing else, twice.
func TestTheExamplesOfVolumesAndNetworksCanBeApplied(t *testing.T) {
	k := anyKubectl(t)
	for _, example := range []string{"volume.yaml", "network.yaml"} {
		path := filepath.Join("..", "..", "artifacts", "examples", example)
		t.Cleanup(func() { k.OK(t, "delete", "-f", path) })
		kubectl.Contains(t, k.OK(t, "apply", "-f", path), " created")
		kubectl.Contains(t, k.OK(t, "apply", "-f", path), " unchanged")
	}
}
