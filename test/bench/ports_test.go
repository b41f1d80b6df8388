// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-connections/nat"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/streamclient"
)

// The ports of the program echo.
const (
	echoing = 7
	sending = 19
)

// dialers connects to a port of a container, on each side. For the docker command that is a published port.
type dialers map[side]func(port int) (net.Conn, error)

// ports measures how long a connection to a port of a container takes until a byte has come back, and how much it carries.
func (s *setting) ports() {
	clients, stopRelay := s.dockerClients()
	defer stopRelay()
	name := engine.UniqueName("port")
	remove := s.runEcho(name)
	defer remove()
	dialers, stop := s.dialers(name, clients)
	defer stop()
	for _, dial := range dialers {
		await(s, func() error { return exchange(dial) }) // the program listens
	}
	var exchanges, transfers []func() error
	for of, dial := range dialers {
		exchanges = append(exchanges, s.timed("time to connect to a port and get a byte back", of, func() error { return exchange(dial) }))
		transfers = append(transfers, s.carried(fmt.Sprintf("throughput of a port, %d MB", s.forwarded), of, s.forwarded, func() (int64, error) {
			conn, err := dial(sending)
			if err != nil {
				return 0, err
			}
			defer conn.Close()
			return io.Copy(io.Discard, conn)
		}))
	}
	for range s.moments {
		s.turns(exchanges...)
	}
	for range s.transfers {
		s.turns(transfers...)
	}
}

// exchange connects, sends a byte and waits until it has come back.
func exchange(dial func(port int) (net.Conn, error)) error {
	conn, err := dial(echoing)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("x")); err != nil {
		return err
	}
	return readOne(conn)
}

// runEcho runs the program echo in a container of its own network, and publishes its ports.
func (s *setting) runEcho(name string) (remove func()) {
	s.Helper()
	program := filepath.Join(s.TempDir(), "echo")
	build := exec.CommandContext(s.Context(), "go", "build", "-o", program, "./echo")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		s.Fatalf("building the program echo: %v\n%s", err, output)
	}
	content, err := os.ReadFile(program)
	if err != nil {
		s.Fatal(err)
	}
	var archive bytes.Buffer
	writer := tar.NewWriter(&archive)
	if err := writer.WriteHeader(&tar.Header{Name: "echo", Mode: 0o755, Size: int64(len(content))}); err != nil {
		s.Fatal(err)
	}
	if _, err := writer.Write(content); err != nil {
		s.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		s.Fatal(err)
	}
	s.engine.Network(s, name, nil)
	id := s.engine.Create(s, name, engine.OnNetwork(name), engine.Command("/echo", strconv.Itoa(s.forwarded*megabyte)), publish(echoing, sending))
	docker := s.engine.Client()
	if err := docker.CopyToContainer(s.Context(), id, "/", &archive, container.CopyToContainerOptions{}); err != nil {
		s.Fatal(err)
	}
	if err := docker.ContainerStart(s.Context(), id, container.StartOptions{}); err != nil {
		s.Fatal(err)
	}
	return s.remover(name)
}

// publish publishes ports of a container on free ports of this machine.
func publish(ports ...int) engine.ContainerOption {
	return func(config *container.Config, host *container.HostConfig) {
		config.ExposedPorts, host.PortBindings = nat.PortSet{}, nat.PortMap{}
		for _, port := range ports {
			port := tcp(port)
			config.ExposedPorts[port] = struct{}{}
			host.PortBindings[port] = []nat.PortBinding{{HostIP: "127.0.0.1"}}
		}
	}
}

func tcp(port int) nat.Port { return nat.Port(strconv.Itoa(port) + "/tcp") }

// dialers returns the ways to the ports of a container. They exist until stop is called.
func (s *setting) dialers(name string, clients map[side]dockerClient) (found dialers, stop func()) {
	s.Helper()
	inspected, err := s.engine.Client().ContainerInspect(s.Context(), name)
	if err != nil {
		s.Fatal(err)
	}
	forwarded, stop, err := streamclient.Open(s.server.config, "WebSocket", s.server.path("containers", name), echoing, sending)
	if err != nil {
		s.Fatal(err)
	}
	return dialers{
		docker: func(port int) (net.Conn, error) {
			published := inspected.NetworkSettings.Ports[tcp(port)][0]
			return net.Dial("tcp", net.JoinHostPort(published.HostIP, published.HostPort))
		},
		relayed: func(port int) (net.Conn, error) {
			address := net.JoinHostPort(inspected.NetworkSettings.Networks[name].IPAddress, strconv.Itoa(port))
			target := strings.Replace(clients[relayed].DaemonHost(), "tcp://", "https://", 1) + "/forward?" + url.Values{"address": {address}}.Encode()
			return clients[relayed].DialHijack(s.Context(), target, "tcp", nil)
		},
		standalone: func(port int) (net.Conn, error) {
			return net.Dial("tcp", forwarded[map[int]int{echoing: 0, sending: 1}[port]])
		},
	}, stop
}
