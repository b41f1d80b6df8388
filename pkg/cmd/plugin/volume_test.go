// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/docker/cli/cli/command/formatter"
	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func TestVolumesAreListedByTheNumbersInTheirNames(t *testing.T) {
	var items []v1alpha1.Volume
	for _, name := range []string{"v10", "v2", "data", "V2"} {
		items = append(items, v1alpha1.Volume{Status: v1alpha1.VolumeStatus{Name: name, Driver: "local", Labels: map[string]string{"of": name}}})
	}
	items[0].Status.InUse, items[1].Status.InUse = ptr.To(true), ptr.To(false)
	for arguments, want := range map[string]string{
		"":                       "V2 data v2 v10",
		"name=v":                 "v2 v10",
		"name=v label=of=v2":     "v2",
		"driver=local":           "V2 data v2 v10",
		"driver=nfs":             "",
		"name=data name=v2":      "data v2",
		"label=of name=^data$":   "data",
		"label=absent name=data": "",
		"dangling=true":          "v2",
		"dangling=false":         "v10",
	} {
		chosen, err := volumeFilters.parse(strings.Fields(arguments))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, listed := range volumesOf(items, chosen) {
			names = append(names, listed.Name)
		}
		if !slices.Equal(names, strings.Fields(want)) {
			t.Errorf("%s: %q, want %s", arguments, names, want)
		}
	}
}

func TestTemplatesOfNetworksHaveDockersFields(t *testing.T) {
	network := v1alpha1.Network{Spec: v1alpha1.NetworkSpec{Internal: true}, Status: v1alpha1.NetworkStatus{
		ID: strings.Repeat("a", 64), Name: "back", Driver: "bridge", Scope: "local", Labels: map[string]string{"tier": "back", "app": "shop"},
	}}
	for format, want := range map[string]string{
		`{{.ID}} {{.Name}} {{.Driver}} {{.Scope}}`:       "aaaaaaaaaaaa back bridge local\n",
		`{{.Internal}} {{.IPv6}} {{.Labels}}`:            "true false app=shop,tier=back\n",
		`{{.Label "tier"}}`:                              "back\n",
		`table {{.Name}}\t{{.Internal}}\t{{.CreatedAt}}`: "NAME      INTERNAL   CREATED AT\nback      true       0001-01-01 00:00:00 +0000 UTC\n",
	} {
		var printed bytes.Buffer
		if err := writeNetworks(formatter.Context{Output: &printed, Format: networkFormat(format, false), Trunc: true}, []v1alpha1.Network{network}); err != nil {
			t.Fatal(err)
		}
		if printed.String() != want {
			t.Errorf("%s: %q", format, printed.String())
		}
	}
}
