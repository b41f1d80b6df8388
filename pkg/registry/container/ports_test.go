// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"fmt"
	"net"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// active returns an active port that is published at these addresses of the host.
func active(name string, published ...string) v1alpha1.ContainerPort {
	port := v1alpha1.ContainerPort{Name: name, Active: true}
	for _, address := range published {
		host, number, err := net.SplitHostPort(address)
		if err != nil {
			panic(err)
		}
		port.Bindings = append(port.Bindings, v1alpha1.ContainerPortBinding{HostIP: host, HostPort: number})
	}
	return port
}

func TestThePortsReadLikeDockers(t *testing.T) {
	var published, renumbered []v1alpha1.ContainerPort
	for port := 8000; port <= 8100; port++ {
		name := fmt.Sprintf("%d/tcp", port)
		published = append(published, active(name, fmt.Sprintf("0.0.0.0:%d", port), fmt.Sprintf("[::]:%d", port)))
		renumbered = append(renumbered, active(name, fmt.Sprintf("0.0.0.0:%d", port+1000)))
	}
	for name, test := range map[string]struct {
		ports []v1alpha1.ContainerPort
		want  string
	}{
		"one":                {[]v1alpha1.ContainerPort{active("80/tcp", "0.0.0.0:80")}, "0.0.0.0:80->80/tcp"},
		"another number":     {[]v1alpha1.ContainerPort{active("80/tcp", "127.0.0.1:8080")}, "127.0.0.1:8080->80/tcp"},
		"any address":        {[]v1alpha1.ContainerPort{active("80/tcp", ":8080")}, "0.0.0.0:8080->80/tcp"},
		"exposed":            {[]v1alpha1.ContainerPort{active("53/udp"), active("80/tcp")}, "53/udp, 80/tcp"},
		"a range":            {published, "0.0.0.0:8000-8100->8000-8100/tcp, [::]:8000-8100->8000-8100/tcp"},
		"a renumbered range": {renumbered[:2], "0.0.0.0:9000->8000/tcp, 0.0.0.0:9001->8001/tcp"},
		"an exposed range":   {[]v1alpha1.ContainerPort{active("1/udp"), active("2/udp"), active("3/udp")}, "1-3/udp"},
		"a gap":              {[]v1alpha1.ContainerPort{active("1/udp"), active("2/tcp"), active("3/udp"), active("4/udp")}, "1/udp, 3-4/udp, 2/tcp"},
		"two addresses": {[]v1alpha1.ContainerPort{active("1/tcp", "10.0.0.1:1"), active("2/tcp", "10.0.0.2:2"), active("3/tcp", "10.0.0.1:3")},
			"10.0.0.1:1->1/tcp, 10.0.0.1:3->3/tcp, 10.0.0.2:2->2/tcp"},
		"two protocols":   {[]v1alpha1.ContainerPort{active("1/tcp"), active("1/udp"), active("2/tcp"), active("2/udp")}, "1-2/tcp, 1-2/udp"},
		"published twice": {[]v1alpha1.ContainerPort{active("80/tcp", "0.0.0.0:80", "0.0.0.0:8080")}, "0.0.0.0:80->80/tcp, 0.0.0.0:8080->80/tcp"},
		"mixed":           {append([]v1alpha1.ContainerPort{active("53/udp")}, renumbered[0]), "53/udp, 0.0.0.0:9000->8000/tcp"},
	} {
		c := &v1alpha1.Container{Status: v1alpha1.ContainerStatus{Ports: test.ports}}
		if got := cells(t, c)["Ports"]; got != test.want {
			t.Errorf("%s: %v, want %s", name, got, test.want)
		}
	}
}

func TestPortsThatAreNotActiveAreNotShown(t *testing.T) {
	idle := active("80/tcp", "0.0.0.0:80")
	idle.Active = false
	c := &v1alpha1.Container{Status: v1alpha1.ContainerStatus{Ports: []v1alpha1.ContainerPort{idle, {Name: "53/udp"}}}}
	if got := cells(t, c)["Ports"]; got != "<none>" {
		t.Error(got)
	}
}
