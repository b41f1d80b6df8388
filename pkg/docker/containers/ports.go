// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-connections/nat"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	utilnet "k8s.io/apimachinery/pkg/util/net"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
)

// dialTimeout is how long one address of a port may take to answer. A network that is not reached from this host mostly does
// not answer at all.
const dialTimeout = 5 * time.Second

// errNobodyListens is the error of an address that refuses connections.
var errNobodyListens = errors.New("nothing listens on it")

// Ports are the ports of a running container.
type Ports struct {
	source   *Source
	name, id string
}

// Ports prepares to connect to the ports of a container. If requested is empty, it is not known yet which ports they are.
func (s *Source) Ports(ctx context.Context, id, name string, requested []int32) (*Ports, error) {
	p := &Ports{source: s, name: name, id: id}
	inspected, err := p.inspect(ctx)
	if err != nil {
		return nil, err
	}
	if s.Client.EngineIsHere() {
		return p, nil
	}
	for _, port := range requested {
		if len(published(inspected, uint16(port))) == 0 {
			return nil, unreachable(name, fmt.Sprintf("port %d", port))
		}
	}
	if len(requested) == 0 && (inspected.NetworkSettings == nil || len(inspected.NetworkSettings.Ports) == 0) {
		return nil, unreachable(name, "no port")
	}
	return p, nil
}

// unreachable returns the error for ports of an engine on another host.
func unreachable(name, what string) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusNotImplemented,
		Message: fmt.Sprintf("the container engine runs on another host, and %s of the container %q is published there: publish it, or run the server on the engine's host", what, name),
		Details: &metav1.StatusDetails{Group: containerResource.Group, Kind: containerResource.Resource, Name: name},
	}}
}

// inspect returns the container if it runs.
func (p *Ports) inspect(ctx context.Context) (*container.InspectResponse, error) {
	inspected, err := p.source.inspect(ctx, p.id)
	switch {
	case err != nil:
		return nil, connection.APIError("portforward", containerResource, p.name, err)
	case inspected == nil || inspected.State == nil:
		return nil, apierrors.NewNotFound(containerResource, p.name)
	case !inspected.State.Running || inspected.State.Restarting:
		return nil, apierrors.NewConflict(containerResource, p.name, errors.New("the container is not running, so that nothing listens on its ports"))
	case inspected.State.Paused:
		return nil, apierrors.NewConflict(containerResource, p.name, errors.New("the container is paused, so that nothing answers on its ports: unpause it first"))
	}
	return inspected, nil
}

// DialPort connects to a port by the container's own addresses if the engine is on this host, else by where the port is
// published. Its errors begin with v1alpha1.PortForwardRefusal.
func (p *Ports) DialPort(ctx context.Context, port uint16) (net.Conn, error) {
	conn, err := p.dial(ctx, port)
	if err != nil {
		return nil, fmt.Errorf(v1alpha1.PortForwardRefusal+"%w", err)
	}
	return conn, nil
}

// dial inspects the container each time, because one that was started again may have got another address.
func (p *Ports) dial(ctx context.Context, port uint16) (net.Conn, error) {
	inspected, err := p.inspect(ctx)
	if err != nil {
		return nil, err
	}
	addresses := p.addresses(inspected, port)
	if len(addresses) == 0 {
		return nil, errors.New("the container has no address, and the port is not published")
	}
	var errs []error
	for _, address := range addresses {
		conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", address)
		if err == nil {
			return conn, nil
		}
		if utilnet.IsConnectionRefused(err) {
			err = errNobodyListens
		}
		errs = append(errs, err)
	}
	return nil, utilerrors.NewAggregate(errs)
}

// addresses returns where a port may be reached, the best first.
func (p *Ports) addresses(inspected *container.InspectResponse, port uint16) []string {
	var addresses []string
	if p.source.Client.EngineIsHere() {
		addresses = internal(inspected, port)
	}
	for _, binding := range published(inspected, port) {
		host := binding.HostIP
		if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
			host = p.source.Client.EngineHost()
		}
		addresses = append(addresses, net.JoinHostPort(host, binding.HostPort))
	}
	return addresses
}

// internal returns the addresses of a port in the networks of the container.
func internal(inspected *container.InspectResponse, port uint16) []string {
	text := strconv.Itoa(int(port))
	if inspected.HostConfig != nil && inspected.HostConfig.NetworkMode.IsHost() {
		return []string{net.JoinHostPort("127.0.0.1", text)}
	}
	var addresses []string
	if inspected.NetworkSettings == nil {
		return nil
	}
	for _, network := range inspected.NetworkSettings.Networks {
		if network == nil {
			continue
		}
		for _, ip := range []string{network.IPAddress, network.GlobalIPv6Address} {
			if ip != "" {
				addresses = append(addresses, net.JoinHostPort(ip, text))
			}
		}
	}
	return addresses
}

// published returns where Docker publishes a port on the engine's host.
func published(inspected *container.InspectResponse, port uint16) []nat.PortBinding {
	if inspected.NetworkSettings == nil {
		return nil
	}
	return inspected.NetworkSettings.Ports[nat.Port(strconv.Itoa(int(port))+"/tcp")]
}
