// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"slices"
	"strings"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func TestTheColumnsOfNetworks(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	for _, test := range []struct {
		status v1alpha1.NetworkStatus
		want   []any
	}{
		{
			v1alpha1.NetworkStatus{ID: id, Driver: "bridge", Scope: "local", Subnets: []string{"10.1.0.0/16", "fd00::/64"},
				Containers: []v1alpha1.NetworkContainer{{ID: "a", Name: "web"}, {ID: id}}},
			[]any{"name", "bridge", "local", "<unknown>", "0123456789ab", "10.1.0.0/16,fd00::/64", "web,0123456789ab"},
		},
		{
			v1alpha1.NetworkStatus{ID: "t5ch4nazcpwvtm2rqm0edgbyd", Driver: "overlay", Scope: "swarm"},
			[]any{"name", "overlay", "swarm", "<unknown>", "t5ch4nazcpwv", "<none>", "<none>"},
		},
		{v1alpha1.NetworkStatus{}, []any{"name", "<none>", "<none>", "<unknown>", "<none>", "<none>", "<none>"}},
	} {
		network := &v1alpha1.Network{Status: test.status}
		network.Name = "name"
		converted, err := table.ConvertToTable(t.Context(), network, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(converted.Rows[0].Cells, test.want) {
			t.Errorf("%q, want %q", converted.Rows[0].Cells, test.want)
		}
	}
}
