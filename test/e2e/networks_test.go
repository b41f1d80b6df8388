// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"
	"time"

	"github.com/docker/docker/api/types/network"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

func TestANetworkThatIsAppliedAgainIsUnchanged(t *testing.T) {
	networks := creation{
		kind: "Network", resource: "networks",
		specs: []string{
			``,
			`spec: {driver: bridge}`,
			`spec: {internal: true}`,
			`spec: {attachable: true}`,
			`spec: {internal: false, attachable: false, enableIPv6: false}`,
			`spec: {options: {com.docker.network.bridge.enable_icc: "false", com.docker.network.driver.mtu: "1400"}}`,
			`spec: {labels: {"not a label": "x y"}}`,
			`spec: {ipam: {driver: default}}`,
			`spec: {ipam: {options: {a: b}}}`,
			`spec: {ipam: {config: [{subnet: 10.201.0.0/16}]}}`,
			`spec: {ipam: {config: [{subnet: 10.202.0.0/16, gateway: 10.202.7.1}]}}`,
			`spec: {ipam: {config: [{subnet: 10.203.0.0/16, ipRange: 10.203.5.0/24}]}}`,
			`spec:
  driver: bridge
  internal: true
  attachable: true
  enableIPv6: true
  options: {com.docker.network.bridge.enable_icc: "true"}
  ipam:
    driver: default
    options: {a: b}
    config:
    - {subnet: 10.204.0.0/16, ipRange: 10.204.5.0/24, gateway: 10.204.0.9}
    - {subnet: "fd00:11::/64", gateway: "fd00:11::9"}
  labels: {"not a label": ""}`,
		},
		inspect: func(t *testing.T, name string) string {
			n, err := docker.Client().NetworkInspect(t.Context(), name, network.InspectOptions{})
			if err != nil {
				t.Fatal(err)
			}
			n.ID, n.Created = "", time.Time{}
			return asJSON(t, n)
		},
	}
	withEachKubectl(t, networks.appliedAgain)
}

func TestANetworkThatDockerMadeIsMadeAgainFromItsYAML(t *testing.T) {
	k := anyKubectl(t)
	name := engine.UniqueName("foreign")
	docker.Network(t, name, map[string]string{"app": "shop", "Not A Label": "x"})
	shown := k.OK(t, "get", "net", name, "-o", "jsonpath={.spec} {.metadata.labels}")
	kubectl.Contains(t, shown, `"driver":"bridge"`, `"labels":{"Not A Label":"x"}`, `{"app":"shop"}`, `"subnet":`)
	madeAgain(t, k, "net", name)
	if got := k.OK(t, "get", "net", name, "-o", "jsonpath={.spec} {.metadata.labels}"); got != shown {
		t.Errorf("%s, want %s", got, shown)
	}
	k.OK(t, "delete", "net", name)
}

func TestANetworkCannotBeChanged(t *testing.T) {
	k := anyKubectl(t)
	name := engine.UniqueName("fixed")
	manifest := apiVersion + "kind: Network\nmetadata: {name: " + name + "}\nspec: {internal: true, ipam: {config: [{subnet: 10.210.0.0/16}]}}\n"
	k.Apply(t, manifest)
	t.Cleanup(func() { k.OK(t, "delete", "net", name) })
	for patch, words := range map[string][]string{
		`{"spec":{"driver":"other","internal":false,"attachable":true,"enableIPv6":true,"options":{"a":"b"},"labels":{"a b":"c"},"ipam":{"driver":"other","options":{"a":"b"},"config":[{"subnet":"10.0.0.0/8"}]}}}`: {
			"spec.driver", "spec.internal", "spec.attachable", "spec.enableIPv6", "spec.options", "spec.ipam.driver", "spec.ipam.options", "spec.ipam.config", "spec.labels", "field is immutable"},
		`{"metadata":{"labels":{"a":"b"}}}`:      {"metadata.labels", "Docker cannot store labels of a network after its creation"},
		`{"metadata":{"annotations":{"a":"b"}}}`: {"metadata.annotations"},
	} {
		k.Fails(t, words, "patch", "net", name, "--type=merge", "-p", patch)
	}
	kubectl.Contains(t, k.OK(t, "patch", "net", name, "--type=merge", "-p", `{"spec":{"driver":"bridge"}}`), "no change")
	changed := apiVersion + "kind: Network\nmetadata: {name: " + name + "}\nspec: {internal: false}\n"
	kubectl.Contains(t, k.Apply(t, changed, "--force"), "configured")
	if n, err := docker.Client().NetworkInspect(t.Context(), name, network.InspectOptions{}); err != nil || n.Internal {
		t.Errorf("%+v, %v", n, err)
	}
	kubectl.Contains(t, k.OK(t, "patch", "net", "host", "--type=merge", "-p", `{"spec":{"driver":"host"}}`), "no change")
}
