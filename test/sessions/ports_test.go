// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package sessions

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// echo is a program that sends back what it gets on port 7, and then its end.
var echo = engine.Command("nc", "-ll", "-p", "7", "-e", "cat")

// inNetwork gives a container a network of the test's own. The engine has none.
func inNetwork(t *testing.T) engine.ContainerOption {
	t.Helper()
	name := engine.UniqueName("net")
	_, err := eng.Client().NetworkCreate(t.Context(), name, network.CreateOptions{Driver: "bridge"})
	must(t, err)
	t.Cleanup(func() { must(t, eng.Client().NetworkRemove(context.WithoutCancel(t.Context()), name)) })
	return func(config *container.Config, host *container.HostConfig) {
		config.NetworkDisabled, host.NetworkMode = false, container.NetworkMode(name)
	}
}

// dialers are the ways in which client-go forwards ports.
var dialers = map[string]func(*rest.Config, *url.URL) (httpstream.Dialer, error){
	"SPDY": func(config *rest.Config, u *url.URL) (httpstream.Dialer, error) {
		transport, upgrader, err := spdy.RoundTripperFor(config)
		if err != nil {
			return nil, err
		}
		return spdy.NewDialerForStreaming(upgrader, &http.Client{Transport: transport}, http.MethodPost, u), nil
	},
	"WebSocket": func(config *rest.Config, u *url.URL) (httpstream.Dialer, error) {
		return portforward.NewSPDYOverWebsocketDialerForStreaming(u, config)
	},
}

// forward forwards local ports to those of a container until the test ends, and returns the local addresses.
func forward(t *testing.T, config *rest.Config, protocol, name string, ports ...int) ([]string, error) {
	t.Helper()
	u, err := url.Parse(config.Host + containers + name + "/portforward")
	must(t, err)
	dialer, err := dialers[protocol](config, u)
	must(t, err)
	var wanted []string
	for _, port := range ports {
		wanted = append(wanted, fmt.Sprintf("0:%d", port))
	}
	stop, ready, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	forwarder, err := portforward.NewOnAddressesForStreaming(dialer, []string{"127.0.0.1"}, wanted, stop, ready, io.Discard, io.Discard)
	must(t, err)
	go func() { ended <- forwarder.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-ended:
		return nil, err
	}
	t.Cleanup(func() {
		close(stop)
		<-ended
	})
	got, err := forwarder.GetPorts()
	must(t, err)
	var addresses []string
	for _, port := range got {
		addresses = append(addresses, fmt.Sprintf("127.0.0.1:%d", port.Local))
	}
	return addresses, nil
}

func dial(t *testing.T, address string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	must(t, conn.SetDeadline(time.Now().Add(patience)))
	return conn.(*net.TCPConn)
}

func TestPortsOfAContainerAreForwardedAndAClosedOneFailsAlone(t *testing.T) {
	name := engine.UniqueName("web")
	eng.Run(t, name, inNetwork(t), echo)
	config := testserver.Start(t, eng.Host()).Config(t)
	for protocol := range dialers {
		addresses, err := forward(t, config, protocol, name, 7, 9)
		must(t, err)
		sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
		exchange := func() {
			conn := dial(t, addresses[0])
			go func() {
				_, _ = conn.Write(sent)
				_ = conn.CloseWrite()
			}()
			got := make([]byte, len(sent))
			if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, sent) {
				t.Fatalf("%s: %v", protocol, err)
			}
		}
		eventually(t, "the container listens", func() bool {
			conn := dial(t, addresses[0])
			defer conn.Close()
			_, _ = conn.Write([]byte("x"))
			n, _ := conn.Read(make([]byte, 1))
			return n == 1
		})
		exchange()
		if got, err := io.ReadAll(dial(t, addresses[1])); len(got) != 0 || err != nil {
			t.Errorf("%s: %q, %v of a closed port", protocol, got, err)
		}
		exchange()
	}
}

func TestPortsOfAContainerThatDoesNotRunAre409(t *testing.T) {
	name := engine.UniqueName("created")
	eng.Create(t, name)
	config := testserver.Start(t, eng.Host()).Config(t)
	for protocol := range dialers {
		if _, err := forward(t, config, protocol, name, 7); err == nil || !strings.Contains(err.Error(), "is not running") {
			t.Errorf("%s: %v", protocol, err)
		}
	}
}
