// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package clients_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// refusal is a spec that cannot be had, and what the error must say.
type refusal[T any] struct {
	spec  T
	code  int
	words []string
}

func checkRefusal(t *testing.T, what string, err error, code int, words []string) {
	t.Helper()
	status := apierrors.APIStatus(nil)
	if !errors.As(err, &status) || int(status.Status().Code) != code || status.Status().Details == nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %q is missing in: %v", what, word, err)
		}
	}
}

func TestAVolumeThatCannotBeMadeIsRefusedWithAReason(t *testing.T) {
	volumes := newTyped(t).Volumes(testserver.Namespace)
	for what, test := range map[string]refusal[v1alpha1.VolumeSpec]{
		"another label":         {v1alpha1.VolumeSpec{Labels: map[string]string{"app": "other"}}, 422, []string{"spec.labels[app]", "metadata.labels"}},
		"a label of no name":    {v1alpha1.VolumeSpec{Labels: map[string]string{"": "x"}}, 422, []string{"spec.labels"}},
		"an option of no name":  {v1alpha1.VolumeSpec{Options: map[string]string{"": "x"}}, 422, []string{"spec.options"}},
		"a driver that is not":  {v1alpha1.VolumeSpec{Driver: "nosuch"}, 422, []string{"nosuch", "not found"}},
		"an option that is not": {v1alpha1.VolumeSpec{Options: map[string]string{"nosuch": "x"}}, 400, []string{"nosuch"}},
	} {
		name := engine.UniqueName("refused")
		_, err := volumes.Create(t.Context(), &v1alpha1.Volume{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": "shop"}}, Spec: test.spec}, metav1.CreateOptions{})
		checkRefusal(t, what, err, test.code, test.words)
	}
	for _, name := range []string{"x", ".hidden", "a b", "ä", "-rf"} { // the driver local takes no such names
		_, err := volumes.Create(t.Context(), &v1alpha1.Volume{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
		checkRefusal(t, name, err, 422, []string{"metadata.name", "two or more letters"})
	}
}

func TestANetworkThatCannotBeMadeIsRefusedWithAReason(t *testing.T) {
	networks := newTyped(t).Networks(testserver.Namespace)
	ranges := func(configs ...v1alpha1.NetworkIPAMConfig) v1alpha1.NetworkSpec {
		return v1alpha1.NetworkSpec{EnableIPv6: ptr.To(false), IPAM: v1alpha1.NetworkIPAM{Config: configs}}
	}
	subnet := func(subnet string) v1alpha1.NetworkIPAMConfig { return v1alpha1.NetworkIPAMConfig{Subnet: subnet} }
	taken := engine.UniqueName("taken")
	if _, err := networks.Create(t.Context(), &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Name: taken}, Spec: ranges(subnet("10.220.0.0/16"))}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := networks.Delete(context.WithoutCancel(t.Context()), taken, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	const config = "spec.ipam.config[0]."
	for what, test := range map[string]refusal[v1alpha1.NetworkSpec]{
		"another label":             {v1alpha1.NetworkSpec{Labels: map[string]string{"app": "other"}}, 422, []string{"spec.labels[app]", "metadata.labels"}},
		"an option of no name":      {v1alpha1.NetworkSpec{Options: map[string]string{"": "x"}}, 422, []string{"spec.options"}},
		"an IPAM option of no name": {v1alpha1.NetworkSpec{IPAM: v1alpha1.NetworkIPAM{Options: map[string]string{"": "x"}}}, 422, []string{"spec.ipam.options"}},
		"no subnet":                 {ranges(v1alpha1.NetworkIPAMConfig{Gateway: "10.0.0.1"}), 422, []string{config + "subnet", "such as 172.28.0.0/16"}},
		"an address for a subnet":   {ranges(subnet("10.0.0.1")), 422, []string{config + "subnet"}},
		"a subnet with a host":      {ranges(subnet("10.221.0.1/16")), 422, []string{config + "subnet", "must be written as 10.221.0.0/16"}},
		"IPv6 where there is none":  {ranges(subnet("fd00:20::/64")), 422, []string{config + "subnet", "spec.enableIPv6"}},
		"overlapping ranges":        {ranges(subnet("10.221.0.0/16"), subnet("10.221.7.0/24")), 422, []string{"spec.ipam.config[1].subnet", "overlap with 10.221.0.0/16"}},
		"a gateway elsewhere":       {ranges(v1alpha1.NetworkIPAMConfig{Subnet: "10.221.0.0/16", Gateway: "10.222.0.1"}), 422, []string{config + "gateway", "must be in the subnet 10.221.0.0/16"}},
		"no gateway":                {ranges(v1alpha1.NetworkIPAMConfig{Subnet: "10.221.0.0/16", Gateway: "x"}), 422, []string{config + "gateway"}},
		"a range elsewhere":         {ranges(v1alpha1.NetworkIPAMConfig{Subnet: "10.221.0.0/16", IPRange: "10.0.0.0/24"}), 422, []string{config + "ipRange"}},
		"a range that is larger":    {ranges(v1alpha1.NetworkIPAMConfig{Subnet: "10.221.0.0/16", IPRange: "10.0.0.0/8"}), 422, []string{config + "ipRange"}},
		"a range that is taken":     {ranges(subnet("10.220.0.0/24")), 409, []string{"overlap"}},
		"a driver that is not":      {v1alpha1.NetworkSpec{Driver: "nosuch"}, 422, []string{"nosuch"}},
		"a driver of a swarm":       {v1alpha1.NetworkSpec{Driver: "overlay"}, 422, []string{"not a swarm manager"}},
		"an option that is wrong":   {v1alpha1.NetworkSpec{Options: map[string]string{"com.docker.network.bridge.enable_icc": "perhaps"}}, 422, []string{"perhaps"}},
	} {
		_, err := networks.Create(t.Context(), &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Name: engine.UniqueName("refused"), Labels: map[string]string{"app": "shop"}}, Spec: test.spec}, metav1.CreateOptions{})
		checkRefusal(t, what, err, test.code, test.words)
	}
	for _, name := range []string{"host", "none"} {
		if _, err := networks.Create(t.Context(), &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); !apierrors.IsAlreadyExists(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAServerThatMayOnlyOperateCreatesNoVolumesAndNetworks(t *testing.T) {
	client := newTyped(t, "--engine-access=operate")
	name := engine.UniqueName("kept")
	if _, err := client.Volumes(testserver.Namespace).Create(t.Context(), &v1alpha1.Volume{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); !apierrors.IsMethodNotSupported(err) {
		t.Error(err)
	}
	if _, err := client.Networks(testserver.Namespace).Create(t.Context(), &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); !apierrors.IsMethodNotSupported(err) {
		t.Error(err)
	}
}
