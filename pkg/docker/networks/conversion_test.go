// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package networks

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/docker/docker/api/types/network"
	"sigs.k8s.io/yaml"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func TestWhatDockerSaysOfANetworkIsShown(t *testing.T) {
	for what, test := range map[string]struct{ answer, want string }{
		"a bridge with all that a bridge can have": {`{
			"Name": "shop_back", "Id": "ad81", "Created": "2026-11-29T13:34:27.980035359Z", "Scope": "local", "Driver": "bridge",
			"EnableIPv6": true, "Internal": true, "Attachable": true,
			"IPAM": {"Driver": "default", "Options": {"foo": "bar"}, "Config": [
				{"Subnet": "10.99.0.0/16", "IPRange": "10.99.1.0/24", "Gateway": "10.99.0.9", "AuxiliaryAddresses": {"a": "10.99.0.5"}},
				{"Subnet": "fd00:1::/64"}]},
			"Containers": {
				"2": {"Name": "web", "EndpointID": "5e", "MacAddress": "02:42:0a:63:01:00", "IPv4Address": "10.99.1.0/16", "IPv6Address": "fd00:1::2/64"},
				"3": {"Name": "db"},
				"1": {"Name": "web"}},
			"Options": {"com.docker.network.bridge.name": "br9"},
			"Labels": {"com.docker.compose.network": "back", "not a label": "x"}}`, `
metadata:
  creationTimestamp: "2026-11-29T13:34:27Z"
  labels: {com.docker.compose.network: back}
  name: shop_back
  namespace: ns
spec:
  attachable: true
  driver: bridge
  enableIPv6: true
  internal: true
  ipam:
    config:
    - {gateway: 10.99.0.9, ipRange: 10.99.1.0/24, subnet: 10.99.0.0/16}
    - {subnet: "fd00:1::/64"}
    driver: default
    options: {foo: bar}
  labels: {not a label: x}
  options: {com.docker.network.bridge.name: br9}
status:
  containers:
  - {id: "3", name: db}
  - {id: "1", name: web}
  - {id: "2", name: web, ipv4Address: 10.99.1.0/16, ipv6Address: "fd00:1::2/64", macAddress: "02:42:0a:63:01:00"}
  createdAt: "2026-11-29T13:34:27Z"
  driver: bridge
  id: ad81
  labels: {com.docker.compose.network: back, not a label: x}
  name: shop_back
  namespace: moby
  scope: local
  subnets: [10.99.0.0/16, "fd00:1::/64"]`},
		"the network of the host, which has no addresses": {`{
			"Name": "host", "Id": "2aba", "Created": "2026-11-29T13:34:27.135553371Z", "Scope": "local", "Driver": "host",
			"IPAM": {"Driver": "default", "Options": null, "Config": []},
			"Containers": {}, "Options": {}, "Labels": {}}`, `
metadata: {creationTimestamp: "2026-11-29T13:34:27Z", name: host, namespace: ns}
spec: {attachable: false, driver: host, enableIPv6: false, internal: false, ipam: {driver: default}}
status: {createdAt: "2026-11-29T13:34:27Z", driver: host, id: 2aba, name: host, namespace: moby, scope: local}`},
		"a network of a swarm, with its load balancer": {`{
			"Name": "web", "Id": "t5ch4nazcpwvtm2rqm0edgbyd", "Created": "2026-11-29T13:34:27Z", "Scope": "swarm", "Driver": "overlay",
			"IPAM": {"Driver": "default", "Options": null, "Config": [{"Subnet": "10.0.1.0/24", "Gateway": "10.0.1.1"}]},
			"Containers": {"lb-web": {"Name": "web-endpoint", "IPv4Address": "10.0.1.4/24"}},
			"Labels": null, "Peers": [{"Name": "host", "IP": "192.0.2.1"}]}`, `
metadata: {creationTimestamp: "2026-11-29T13:34:27Z", name: web, namespace: ns}
spec:
  {attachable: false, driver: overlay, enableIPv6: false, internal: false, ipam: {driver: default, config: [{subnet: 10.0.1.0/24, gateway: 10.0.1.1}]}}
status:
  {containers: [{id: lb-web, name: web-endpoint, ipv4Address: 10.0.1.4/24}],
  createdAt: "2026-11-29T13:34:27Z", driver: overlay, id: t5ch4nazcpwvtm2rqm0edgbyd, name: web, namespace: moby, scope: swarm, subnets: [10.0.1.0/24]}`},
		"a range for IPv4 that Docker chose beside one for IPv6": {`{
			"Name": "six", "Id": "66", "EnableIPv6": true, "IPAM": {"Config": [{"Subnet": "fd00:1::/64"}, {"Subnet": "172.18.0.0/16", "Gateway": "172.18.0.1"}]}}`, `
metadata: {name: six, namespace: ns}
spec: {attachable: false, enableIPv6: true, internal: false, ipam: {config: [{subnet: "fd00:1::/64"}]}}
status: {id: "66", name: six, namespace: moby, subnets: ["fd00:1::/64", 172.18.0.0/16]}`},
		"an answer with nothing in it": {`{}`, `
metadata: {name: "", namespace: ns}
spec: {attachable: false, enableIPv6: false, internal: false, ipam: {}}
status: {namespace: moby}`},
	} {
		t.Run(what, func(t *testing.T) {
			var answer network.Inspect
			if err := json.Unmarshal([]byte(test.answer), &answer); err != nil {
				t.Fatal(err)
			}
			got := networkOf(&answer, answer.Name, "ns")
			if got.UID == "" {
				t.Error("the object has no uid")
			}
			got.UID = ""
			var want v1alpha1.Network
			if err := yaml.UnmarshalStrict([]byte(test.want), &want); err != nil {
				t.Fatal(err)
			}
			if text := toYAML(t, got); text != toYAML(t, &want) {
				t.Errorf("shown is\n%s\nwant\n%s", text, toYAML(t, &want))
			}
		})
	}
}

func TestTheSameAnswerGivesTheSameNetwork(t *testing.T) {
	read := func() *v1alpha1.Network {
		var answer network.Inspect
		text := `{"Name": "x", "Id": "1", "IPAM": {"Config": []}, "Options": {}, "Labels": {"a": "b"},
			"Containers": {"1": {"Name": "a"}, "2": {"Name": "a"}, "3": {}, "4": {}, "5": {"Name": "b"}}}`
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			t.Fatal(err)
		}
		return networkOf(&answer, "x", "ns")
	}
	first := read()
	for range 20 {
		if again := read(); !reflect.DeepEqual(first, again) {
			t.Fatalf("%+v is not %+v", again, first)
		}
	}
}

func TestANetworkHasAUIDOfItsIDAndItsName(t *testing.T) {
	uids := map[string]bool{}
	for _, id := range []string{"1", "2"} {
		for _, name := range []string{"x", "y"} {
			uids[string(networkOf(&network.Inspect{ID: id}, name, "ns").UID)] = true
		}
	}
	if len(uids) != 4 {
		t.Errorf("the uids are %v", uids)
	}
}

func toYAML(t *testing.T, object any) string {
	t.Helper()
	text, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
