// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"strings"
	"testing"

	"github.com/docker/cli/opts"
	"github.com/spf13/pflag"
	"sigs.k8s.io/yaml"
)

func TestTheFlagsOfNetworkCreateAreReadAsDockerReadsThem(t *testing.T) {
	for arguments, want := range map[string]string{
		"": "attachable: false\ndriver: bridge\ninternal: false\nipam:\n  driver: default\n",
		"-d overlay --internal --attachable --ipv6=false -o a=b --opt c --ipam-driver other --ipam-opt d=e": "attachable: true\ndriver: overlay\nenableIPv6: false\ninternal: true\n" +
			"ipam:\n  driver: other\n  options:\n    d: e\noptions:\n  a: b\n  c: \"\"\n",
		"--subnet 10.1.0.0/16,fd00::/64 --gateway fd00::1 --ip-range 10.1.2.0/24 --gateway 10.1.0.9 --ipv6": "attachable: false\ndriver: bridge\nenableIPv6: true\ninternal: false\n" +
			"ipam:\n  config:\n  - gateway: 10.1.0.9\n    ipRange: 10.1.2.0/24\n    subnet: 10.1.0.0/16\n  - gateway: fd00::1\n    subnet: fd00::/64\n  driver: default\n",
	} {
		got, err := networkOf(t, arguments)
		if err != nil || got != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", arguments, err, got, want)
		}
	}
}

func TestRangesAndGatewaysNeedASubnetOfTheirOwn(t *testing.T) {
	for arguments, words := range map[string]string{
		"--gateway 10.1.0.1":                                                              "every ip-range or gateway must have a corresponding subnet",
		"--subnet 10.1.0.0/16 --gateway 10.2.0.1":                                         "no matching subnet for gateway 10.2.0.1",
		"--subnet 10.1.0.0/16 --ip-range 10.2.0.0/24":                                     "no matching subnet for range 10.2.0.0/24",
		"--subnet 10.1.0.0/16 --subnet 10.2.0.0/16 --gateway 10.1.0.1 --gateway 10.1.0.2": "cannot configure multiple gateways (10.1.0.2, 10.1.0.1)",
		"--subnet 10.1.0.0/16 --gateway x":                                                "--gateway",
		"--subnet 10.1.0.0/16 --ip-range 10.1.0.0":                                        "--ip-range",
		"--subnet 10.1.0.0 --gateway 10.1.0.1":                                            "--subnet",
	} {
		if got, err := networkOf(t, arguments); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v\n%s", arguments, err, got)
		}
	}
}

// networkOf returns the spec that the arguments describe.
func networkOf(t *testing.T, arguments string) (string, error) {
	t.Helper()
	given := networkFlags{options: opts.NewMapOpts(nil, nil), ipamOptions: opts.NewMapOpts(nil, nil), labels: opts.NewListOpts(opts.ValidateLabel)}
	flags := pflag.NewFlagSet("create", pflag.ContinueOnError)
	given.add(flags)
	if err := flags.Parse(strings.Fields(arguments)); err != nil {
		t.Fatal(err)
	}
	network, err := given.network("back", flags.Changed("ipv6"))
	if err != nil {
		return "", err
	}
	text, err := yaml.Marshal(network.Spec)
	return string(text), err
}
