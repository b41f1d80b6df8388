// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package runflags

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/cli/opts"
	"github.com/docker/go-connections/nat"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// ports are the ports of a container.
type ports struct {
	publish, expose opts.ListOpts
	publishAll      bool
}

func newPorts() *ports { return &ports{publish: opts.NewListOpts(nil), expose: opts.NewListOpts(nil)} }

func (p *ports) add(flags *pflag.FlagSet) {
	flags.VarP(&p.publish, "publish", "p", "Publish a container's port(s) to the host")
	flags.BoolVarP(&p.publishAll, "publish-all", "P", false, "Publish all exposed ports to random ports")
	flags.Var(&p.expose, "expose", "Expose a port or a range of ports")
}

func (p *ports) apply(c *v1alpha1.Container) error {
	c.Spec.PublishAllPorts = p.publishAll
	for _, given := range p.publish.GetSlice() {
		published, err := parsePublished(given)
		if err != nil {
			return err
		}
		c.Spec.Ports = append(c.Spec.Ports, published...)
	}
	for _, given := range p.expose.GetSlice() {
		exposed, err := parseExposed(given)
		if err != nil {
			return err
		}
		for _, port := range exposed {
			if !slices.ContainsFunc(c.Spec.Ports, func(other v1alpha1.ContainerPublishedPort) bool {
				return other.ContainerPort == port.ContainerPort && other.Protocol == port.Protocol
			}) {
				c.Spec.Ports = append(c.Spec.Ports, port)
			}
		}
	}
	return nil
}

// parsePublished reads a value of --publish: [[IP:][HOST]:]CONTAINER[/PROTOCOL], with ranges, or target=,published=,protocol=.
func parsePublished(given string) (published []v1alpha1.ContainerPublishedPort, err error) {
	short := given
	if strings.Contains(given, "=") {
		fields := map[string]string{"protocol": "tcp"}
		for field := range strings.SplitSeq(given, ",") {
			key, value, found := strings.Cut(field, "=")
			if !found || key == "" {
				return nil, fmt.Errorf("invalid publish opts format (should be name=value but got '%s')", field)
			}
			fields[key] = value
		}
		short = fields["published"] + ":" + fields["target"] + "/" + fields["protocol"]
	}
	mappings, err := nat.ParsePortSpec(short)
	if err != nil {
		return nil, err
	}
	for _, mapping := range mappings {
		port := portOf(mapping.Port)
		port.HostIP = address(mapping.Binding.HostIP)
		hostPort := 0 // Docker chooses one
		if mapping.Binding.HostPort != "" {
			if hostPort, err = strconv.Atoi(mapping.Binding.HostPort); err != nil {
				return nil, fmt.Errorf("--publish %q: Docker can choose any port or take one, but not one of a range here: name one port, or none", given)
			}
		}
		port.HostPort = ptr.To(int32(hostPort))
		published = append(published, port)
	}
	return published, nil
}

// parseExposed reads a value of --expose: PORT[-PORT][/PROTOCOL].
func parseExposed(given string) (exposed []v1alpha1.ContainerPublishedPort, err error) {
	if strings.Contains(given, ":") {
		return nil, fmt.Errorf("invalid port format for --expose: %s", given)
	}
	protocol, numbers := nat.SplitProtoPort(given)
	start, end, err := nat.ParsePortRange(numbers)
	if err != nil {
		return nil, fmt.Errorf("invalid range format for --expose: %s, error: %w", given, err)
	}
	for number := start; number <= end; number++ {
		exposed = append(exposed, portOf(nat.Port(fmt.Sprintf("%d/%s", number, protocol))))
	}
	return exposed, nil
}

func portOf(port nat.Port) v1alpha1.ContainerPublishedPort {
	return v1alpha1.ContainerPublishedPort{ContainerPort: int32(port.Int()), Protocol: corev1.Protocol(strings.ToUpper(port.Proto()))}
}
