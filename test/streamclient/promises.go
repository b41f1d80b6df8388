// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streamclient

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

// patience bounds the streams of one promise.
const patience = 2 * time.Minute

// client is client-go with one protocol.
type client struct {
	config     *rest.Config
	containers string
	protocol   string
	docker     *engine.Engine
}

// Check checks that client-go can have each kind of session with a server for the engine, over each protocol. containers is
// the path before the names of containers.
func Check(t *testing.T, config *rest.Config, containers string, docker *engine.Engine) {
	for protocol := range Executors {
		c := client{config, containers, protocol, docker}
		t.Run("exec over "+protocol, c.executes)
		t.Run("attach over "+protocol, c.attaches)
		t.Run("archive over "+protocol, c.copies)
	}
	for protocol := range Dialers {
		c := client{config, containers, protocol, docker}
		t.Run("portforward over "+protocol, c.forwards)
		t.Run("why a port is closed over "+protocol, c.explains)
	}
}

func (c client) run(t *testing.T, path string, query url.Values, stdin io.Reader) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return Run(ctx, c.config, c.protocol, c.containers+path, query, stdin)
}

func (c client) executes(t *testing.T) {
	name := engine.UniqueName("web")
	c.docker.Run(t, name)
	input := strings.Repeat("0123456789abcdef", 1<<16)
	output, err := c.run(t, name+"/exec", url.Values{"command": {"sh", "-c", "cat; exit 7"}}, strings.NewReader(input))
	if output != input || err == nil || !strings.Contains(err.Error(), "exit code 7") {
		t.Errorf("%d bytes, want %d; %v", len(output), len(input), err)
	}
}

func (c client) attaches(t *testing.T) {
	name := engine.UniqueName("web")
	c.docker.Run(t, name, engine.Command("sh", "-c", "read line; echo got $line; exit 3"), func(config *container.Config, _ *container.HostConfig) {
		config.OpenStdin, config.StdinOnce = true, true
	})
	output, err := c.run(t, name+"/attach", nil, strings.NewReader("hello\n"))
	if output != "got hello\n" || err == nil || !strings.Contains(err.Error(), "exit code 3") {
		t.Errorf("%q, %v", output, err)
	}
}

func (c client) copies(t *testing.T) {
	name := engine.UniqueName("web")
	c.docker.Run(t, name)
	content := strings.Repeat("0123456789abcdef", 1<<16)
	var file bytes.Buffer
	writer := tar.NewWriter(&file)
	must(t, writer.WriteHeader(&tar.Header{Name: "file", Mode: 0o640, Size: int64(len(content))}))
	_, err := io.WriteString(writer, content)
	must(t, err)
	must(t, writer.Close())

	_, err = c.run(t, name+"/archive", url.Values{"path": {"/bin"}, "stdout": {"false"}}, &file)
	must(t, err)
	copied, err := c.run(t, name+"/archive", url.Values{"path": {"/bin/file"}}, nil)
	must(t, err)
	reader := tar.NewReader(strings.NewReader(copied))
	_, err = reader.Next()
	must(t, err)
	if got, err := io.ReadAll(reader); err != nil || string(got) != content {
		t.Errorf("%d bytes, want %d: %v", len(got), len(content), err)
	}
}

func (c client) forwards(t *testing.T) {
	name := engine.UniqueName("web")
	c.docker.Network(t, name, nil)
	c.docker.Run(t, name, engine.OnNetwork(name), engine.Command("nc", "-ll", "-p", "7", "-e", "cat"))
	addresses, err := Forward(t, c.config, c.protocol, c.containers+name, 7)
	must(t, err)
	kubectl.Eventually(t, "the container answers", func() bool {
		conn, err := net.Dial("tcp", addresses[0])
		if err != nil {
			return false
		}
		defer conn.Close()
		return Echoes(conn, time.Now().Add(patience))
	})
}

func (c client) explains(t *testing.T) {
	name := engine.UniqueName("web")
	c.docker.Network(t, name, nil)
	c.docker.Run(t, name, engine.OnNetwork(name), engine.Command("nc", "-ll", "-p", "7", "-e", "cat"))
	u, err := url.Parse(c.config.Host + c.containers + name + "/portforward?explain=true")
	must(t, err)
	dialer, err := Dialers[c.protocol](c.config, u)
	must(t, err)
	session, _, err := dialer.Dial("portforward.k8s.io")
	must(t, err)
	defer session.Close()
	_, errors := Connect(t, session, 9, 0)
	text, err := io.ReadAll(errors)
	must(t, err)
	if !strings.HasSuffix(string(text), ": "+v1alpha1.PortForwardRefusal+"nothing listens on it") {
		t.Errorf("the client was told %q", text)
	}
	id := 0
	kubectl.Eventually(t, "the container answers in the same session", func() bool {
		id++
		data, _ := Connect(t, session, 7, id)
		defer data.Close()
		_, _ = io.WriteString(data, "x")
		answer := make([]byte, 1)
		_, err := io.ReadFull(data, answer)
		return err == nil && answer[0] == 'x'
	})
}

// Echoes reports whether the other side of a connection sends back what it gets, until the deadline.
func Echoes(conn net.Conn, deadline time.Time) bool {
	_ = conn.SetDeadline(deadline)
	if _, err := conn.Write([]byte("x")); err != nil {
		return false
	}
	answer := make([]byte, 1)
	_, err := io.ReadFull(conn, answer)
	return err == nil && answer[0] == 'x'
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
