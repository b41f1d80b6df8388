// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"strings"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

// newContainer returns the manifest of a container whose spec has these fields in YAML.
func newContainer(name, spec string) string {
	if !strings.Contains(spec, "image:") {
		spec = "image: " + engine.Busybox + "\n" + spec
	}
	return "apiVersion: containers.rancherdesktop.io/v1alpha1\nkind: Container\nmetadata: {name: " + name + "}\nspec:\n  " +
		strings.ReplaceAll(strings.TrimSpace(spec), "\n", "\n  ") + "\n"
}

func TestABadSpecIsRefusedWithItsFieldAndWhatWouldBeRight(t *testing.T) {
	k := anyKubectl(t)
	taken := engine.UniqueName("taken")
	docker.Create(t, taken)
	for _, test := range []struct {
		spec  string
		words []string
	}{
		{"colour: red", []string{"unknown field", "colour"}},
		{"ports: 80", []string{"ports"}},
		{"resources: {memory: lots}", []string{"quantities must match"}},
		{"restartPolicy: {name: no}", []string{`"no" with its quotes`}},
		{"mounts: [{type: tmpfs, target: /a}, {type: volume, target: /a}]", []string{"spec.mounts[1].target", "must differ from the target of spec.mounts[0]"}},
		{"ports: [{containerPort: 80, hostPort: 8080}, {containerPort: 81, hostPort: 8080}]", []string{"spec.ports[1]", "has the same port on the engine's host as spec.ports[0]"}},
		{"networkMode: host\nnetworks: [{name: back}]", []string{"spec.networkMode", "cannot be combined with networks"}},
		{"autoRemove: true\nrestartPolicy: {name: always}", []string{"spec.restartPolicy.name", "autoRemove"}},
		{"resources: {memory: 4Mi}", []string{"spec.resources.memory", "must be 6Mi or more"}},
		{"image: none-such:v1\nimagePullPolicy: Never", []string{"spec.image", "none-such:v1"}},
		{"mounts: [{type: bind, source: /none/such, target: /a}]", []string{"spec.mounts[0]", "/none/such"}},
		{"runtime: none-such", []string{"spec.runtime", "none-such"}},
		{"logging: {driver: none-such}", []string{"spec.logging", "none-such"}},
		{"networks: [{name: none-such}]", []string{"spec.networks[0]", "none-such"}},
		{"networkMode: container:none-such", []string{"spec.networkMode", "none-such"}},
		{"env: [{name: A, value: one}, {name: A, value: two}]", []string{"spec.env[1].name", "Duplicate"}},
		{"healthCheck: {command: [a], shellCommand: b}", []string{"spec.healthCheck.shellCommand", "cannot be combined with command"}},
		{"stopSignal: SIGFOO", []string{"spec.stopSignal", "such as SIGINT"}},
		{"labels: {containers.rancherdesktop.io/fields: x}", []string{"spec.labels[containers.rancherdesktop.io/fields]", "the server sets this label by itself"}},
	} {
		name := engine.UniqueName("bad")
		docker.RemoveAfter(t, name)
		_, stderr, err := k.TryWith(t, newContainer(name, test.spec), "create", "-f", "-")
		if err == nil {
			t.Errorf("%s: created", test.spec)
			continue
		}
		kubectl.Contains(t, stderr, test.words...)
		for _, server := range []string{"InternalError", "an error on the server", "timed out"} {
			if strings.Contains(stderr, server) {
				t.Errorf("%s is answered with %s", test.spec, stderr)
			}
		}
		if got := dockerStatus(t, name); got != "gone" {
			t.Errorf("%s: the container is %s", test.spec, got)
		}
	}
	_, stderr, err := k.TryWith(t, newContainer(taken, ""), "create", "-f", "-")
	if err == nil {
		t.Error("a container took the name of another")
	}
	kubectl.Contains(t, stderr, "AlreadyExists", taken)
}
