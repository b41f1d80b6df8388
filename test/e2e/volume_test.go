// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"strings"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

func TestAVolumeThatIsAppliedAgainIsUnchanged(t *testing.T) {
	volumes := creation{
		kind: "Volume", resource: "volumes",
		specs: []string{
			``,
			`spec: {}`,
			`spec: {driver: local}`,
			`spec: {options: {type: tmpfs, device: tmpfs, o: "size=1m,uid=1000"}}`,
			`spec: {labels: {"not a label": "x y"}}`,
			`spec: {driver: local, options: {type: tmpfs, device: tmpfs}, labels: {"not a label": ""}}`,
		},
		inspect: func(t *testing.T, name string) string {
			v, err := docker.Client().VolumeInspect(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			v.CreatedAt = ""
			return asJSON(t, v)
		},
	}
	withEachKubectl(t, volumes.appliedAgain)
}

func TestAVolumeThatDockerMadeIsMadeAgainFromItsYAML(t *testing.T) {
	k := anyKubectl(t)
	name := engine.UniqueName("foreign")
	docker.Volume(t, name, map[string]string{"app": "shop", "Not A Label": "x"})
	appliedYAML := k.OK(t, "get", "vol", name, "-o", "jsonpath={.spec} {.metadata.labels}")
	kubectl.Contains(t, appliedYAML, `"driver":"local"`, `"labels":{"Not A Label":"x"}`, `{"app":"shop"}`)
	madeAgain(t, k, "vol", name)
	if got := k.OK(t, "get", "vol", name, "-o", "jsonpath={.spec} {.metadata.labels}"); got != appliedYAML {
		t.Errorf("%s, want %s", got, appliedYAML)
	}
}

func TestAVolumeCannotBeChanged(t *testing.T) {
	k := anyKubectl(t)
	name := engine.UniqueName("fixed")
	manifest := apiVersion + "kind: Volume\nmetadata: {name: " + name + "}\nspec: {options: {type: tmpfs, device: tmpfs}, labels: {a b: c}}\n"
	k.Apply(t, manifest)
	t.Cleanup(func() { k.OK(t, "delete", "vol", name) })
	for patch, words := range map[string][]string{
		`{"spec":{"driver":"other","options":{"type":"none"},"labels":{"a b":"d"}}}`: {"spec.driver", "spec.options", "spec.labels", "field is immutable"},
		`{"spec":{"options":null}}`:               {"spec.options"},
		`{"metadata":{"labels":{"a":"b"}}}`:       {"metadata.labels", "Docker cannot store labels of a volume after its creation"},
		`{"metadata":{"annotations":{"a":"b"}}}`:  {"metadata.annotations"},
		`{"metadata":{"finalizers":["a.b/c"]}}`:   {"metadata.finalizers"},
		`{"spec":{"options":{"type":{"a":"b"}}}}`: {"options"},
	} {
		k.Fails(t, words, "patch", "vol", name, "--type=merge", "-p", patch)
	}
	kubectl.Contains(t, k.OK(t, "patch", "vol", name, "--type=merge", "-p", `{"spec":{"driver":"local"}}`), "no change")
	kubectl.Contains(t, k.With(t, manifest, "replace", "-f", "-"), "replaced")
	changed := strings.Replace(manifest, "a b: c", "a b: d", 1)
	kubectl.Contains(t, k.Apply(t, changed, "--force"), "configured")
	if v, err := docker.Client().VolumeInspect(t.Context(), name); err != nil || v.Labels["a b"] != "d" {
		t.Errorf("%+v, %v", v, err)
	}
	kubectl.Contains(t, k.With(t, manifest, "replace", "--force", "-f", "-"), "replaced")
}

func TestANewVolumeIsCheckedBeforeDockerIsAsked(t *testing.T) {
	k := anyKubectl(t)
	name := engine.UniqueName("checked")
	docker.Volume(t, name, nil)
	for body, words := range map[string][]string{
		"metadata: {name: " + name + "}":                                                       {"AlreadyExists"},
		"metadata: {name: .hidden}":                                                            {"metadata.name", "must begin with a letter or a digit"},
		"metadata: {name: x}":                                                                  {"metadata.name", "two or more"},
		"metadata: {name: 'a b'}":                                                              {"metadata.name"},
		"metadata: {name: " + strings.Repeat("x", 256) + "}":                                   {"metadata.name", "Too long"},
		"metadata: {name: a~b-0123456789}\nspec: {driver: other}":                              {"metadata.name", "cannot be a name in Docker"},
		"metadata: {name: new, labels: {a: b}}\nspec: {labels: {a: c}}":                        {"spec.labels[a]", "metadata.labels"},
		"metadata: {name: new, labels: {a b: c}}":                                              {"metadata.labels"},
		"metadata: {name: new}\nspec: {options: {'': x}}":                                      {"spec.options"},
		"metadata: {name: new}\nspec: {driver: nosuch}":                                        {"spec.driver", "nosuch"},
		"metadata: {name: new}\nspec: {options: {nosuch: x}}":                                  {"nosuch"},
		"metadata: {name: new, annotations: {a: b}}":                                           {"metadata.annotations"},
		"metadata: {name: new, finalizers: [a.b/c]}":                                           {"metadata.finalizers"},
		"metadata: {name: new, ownerReferences: [{apiVersion: v1, kind: A, name: a, uid: b}]}": {"metadata.ownerReferences"},
	} {
		dryRun := "--dry-run=server"
		if strings.Contains(body, "nosuch") { // only Docker knows
			dryRun = "--dry-run=none"
		}
		if stdout, stderr, err := k.TryWith(t, apiVersion+"kind: Volume\n"+body, "create", dryRun, "-f", "-"); err == nil {
			t.Errorf("%s\nwas taken: %s", body, stdout)
		} else {
			kubectl.Contains(t, stderr, words...)
		}
	}
	if _, stderr, err := k.TryWith(t, apiVersion+"kind: Volume\nmetadata: {name: "+name+"}", "create", "-f", "-"); err == nil || !strings.Contains(stderr, "AlreadyExists") {
		t.Errorf("the name of a volume that is there: %v, %s", err, stderr)
	}
	if _, err := docker.Client().VolumeInspect(t.Context(), "new"); !errdefs.IsNotFound(err) {
		t.Errorf("a volume was made: %v", err)
	}
}

func TestADryRunOfANewVolumeMakesNone(t *testing.T) {
	k := anyKubectl(t)
	name := engine.UniqueName("dry")
	manifest := apiVersion + "kind: Volume\nmetadata: {name: " + name + "}\n"
	if got := k.With(t, manifest, "create", "--dry-run=server", "-f", "-", "-o", "jsonpath={.metadata.name} {.spec.driver}"); got != name+" local" {
		t.Errorf("%q", got)
	}
	for _, args := range [][]string{{}, {"--server-side"}} {
		kubectl.Contains(t, k.Apply(t, manifest, append(args, "--dry-run=server")...), name)
	}
	if _, err := docker.Client().VolumeInspect(t.Context(), name); !errdefs.IsNotFound(err) {
		t.Errorf("the volume is there: %v", err)
	}
}

func TestDockerNamesNoVolumeThatAsksForAGeneratedName(t *testing.T) {
	k := anyKubectl(t)
	made := k.With(t, apiVersion+"kind: Volume\nmetadata: {generateName: Gen_Vol-}\n", "create", "-f", "-", "-o", "jsonpath={.metadata.name} {.status.anonymous}")
	name, anonymous, _ := strings.Cut(made, " ")
	if !strings.HasPrefix(name, "Gen_Vol-") || len(name) != len("Gen_Vol-")+5 || anonymous != "false" {
		t.Errorf("%q", made)
	}
	k.OK(t, "delete", "vol", name)
}
