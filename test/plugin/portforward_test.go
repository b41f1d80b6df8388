// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin_test

import (
	"bufio"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

// forwarded matches what port-forward prints for a port, and the local address in it.
var forwarded = regexp.MustCompile(`^Forwarding from (127\.0\.0\.1:\d+) -> (\d+)\n$`)

func TestPortForwardConnectsLocalPortsUntilItIsInterrupted(t *testing.T) {
	name, network := engine.UniqueName("web"), engine.UniqueName("net")
	docker.Network(t, network, nil)
	docker.Run(t, name, engine.OnNetwork(network), engine.Command("nc", "-ll", "-p", "7", "-e", "cat"))
	command := command(t, kubectl.Any(t, server.Kubeconfig), "engine", "port-forward", "--address", "127.0.0.1", name, ":7", ":9")
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	addresses, output := map[string]string{}, bufio.NewReader(stdout)
	for range 2 {
		line, err := output.ReadString('\n')
		match := forwarded.FindStringSubmatch(line)
		if match == nil {
			t.Fatalf("%q, %v", line, err)
		}
		addresses[match[2]] = match[1]
	}
	kubectl.Eventually(t, "the container answers", func() bool { return exchange(t, addresses["7"], "x") == "x" })
	if got := exchange(t, addresses["9"], ""); got != "" {
		t.Errorf("%q from a port on which nobody listens", got)
	}
	long := strings.Repeat("0123456789", 1<<14)
	if got := exchange(t, addresses["7"], long); got != long {
		t.Errorf("%d bytes of %d after a failed connection", len(got), len(long))
	}
	if err := command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err != nil {
		t.Errorf("interrupted: %v", err)
	}
}

// exchange sends text to an address and returns as much of the answer, or what came before the connection ended.
func exchange(t *testing.T, address, text string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.WriteString(conn, text) }()
	answer := make([]byte, max(1, len(text)))
	n, _ := io.ReadFull(conn, answer)
	return string(answer[:n])
}

func TestPortForwardSaysWhyItCannotBegin(t *testing.T) {
	stopped := engine.UniqueName("stopped")
	docker.Create(t, stopped)
	fails(t, []string{"cannot forward ports to " + stopped, "is not running"}, "port-forward", stopped, ":80")
	fails(t, []string{"no such container: absent"}, "port-forward", "absent", ":80")
	fails(t, []string{"a port"}, "port-forward", stopped)
	fails(t, []string{`"web" is no port`}, "port-forward", stopped, "web")
}
