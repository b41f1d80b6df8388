// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

// forwarded matches what port-forward prints for a port, and the local address in it.
var forwarded = regexp.MustCompile(`^Forwarding from (127\.0\.0\.1:\d+) -> (\d+)\n$`)

func TestPortForwardConnectsLocalPortsUntilItIsInterrupted(t *testing.T) {
	name, network := engine.UniqueName("web"), engine.UniqueName("net")
	docker.Network(t, network, nil)
	docker.Run(t, name, engine.OnNetwork(network), engine.Command("nc", "-ll", "-p", "7", "-e", "cat"))
	addresses, interrupt := forward(t, server.Kubeconfig, name, "7")
	kubectl.Eventually(t, "the container listens", func() bool { return exchange(t, addresses["7"], "x") == "x" })
	interrupt()
	closed := "error: cannot connect to port 9 of " + name + ": nothing listens on it\n"
	for server, test := range map[string]struct {
		refuse refuses
		stderr string
	}{
		"over WebSocket": {nothing, closed + closed},
		"over SPDY":      {webSockets, closed + closed},
		"an older one":   {explanations, ""},
	} {
		t.Run(server, func(t *testing.T) {
			kubeconfig, _ := behindLine(t, test.refuse)
			addresses, interrupt := forward(t, kubeconfig, name, "7", "9")
			long := strings.Repeat("0123456789", 1<<14)
			for _, sent := range []string{"", "hello"} {
				if got := exchange(t, addresses["9"], sent); got != "" {
					t.Errorf("%q from a port on which nobody listens", got)
				}
				if got := exchange(t, addresses["7"], long); got != long {
					t.Errorf("%d bytes of %d after a failed connection", len(got), len(long))
				}
			}
			if stderr := interrupt(); stderr != test.stderr {
				t.Errorf("the errors are %q, want %q", stderr, test.stderr)
			}
		})
	}
}

// explanations refuses, as a server did that knew only ports, to explain what it cannot connect to.
func explanations(w http.ResponseWriter, r *http.Request) bool {
	if !r.URL.Query().Has("explain") {
		return false
	}
	status := apierrors.NewBadRequest(`there is no parameter "explain": use one of ports`).Status()
	status.APIVersion, status.Kind = "v1", "Status"
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(status)
	return true
}

// forward forwards ports of a container, and returns the local addresses. interrupt ends that and returns the errors.
func forward(t *testing.T, kubeconfig, name string, ports ...string) (addresses map[string]string, interrupt func() (stderr string)) {
	t.Helper()
	arguments := []string{"engine", "port-forward", "--address", "127.0.0.1", name}
	for _, port := range ports {
		arguments = append(arguments, ":"+port)
	}
	command := command(t, kubectl.Any(t, kubeconfig), arguments...)
	var stderr strings.Builder
	command.Stderr = &stderr
	stdout, err := command.StdoutPipe()
	must(t, err)
	must(t, command.Start())
	addresses = map[string]string{}
	output := bufio.NewReader(stdout)
	for range ports {
		line, err := output.ReadString('\n')
		match := forwarded.FindStringSubmatch(line)
		if match == nil {
			t.Fatalf("%q, %v", line, err)
		}
		addresses[match[2]] = match[1]
	}
	return addresses, func() string {
		must(t, command.Process.Signal(os.Interrupt))
		if err := command.Wait(); err != nil {
			t.Errorf("interrupted: %v", err)
		}
		return stderr.String()
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
