// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package sessions

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/streamclient"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// echo is a program that sends back what it gets on port 7, and then its end.
var echo = engine.Command("nc", "-ll", "-p", "7", "-e", "cat")

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
	eng.Network(t, name, nil)
	eng.Run(t, name, engine.OnNetwork(name), echo)
	config := testserver.Start(t, eng.Host()).Config(t)
	for protocol := range streamclient.Dialers {
		addresses, err := streamclient.Forward(t, config, protocol, containers+name, 7, 9)
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
	for protocol := range streamclient.Dialers {
		if _, err := streamclient.Forward(t, config, protocol, containers+name, 7); err == nil || !strings.Contains(err.Error(), "is not running") {
			t.Errorf("%s: %v", protocol, err)
		}
	}
}
