// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package sessions

import (
	"bytes"
	"context"
	"io"
	"math"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/gorilla/websocket"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// process is a server in a process of its own, so that its memory is not that of its clients.
type process struct {
	*rest.Config
	http *http.Client
}

func startProcess(t *testing.T) *process {
	t.Helper()
	state := t.TempDir()
	server := testserver.StartProcess(t, "serve", "--docker-host", eng.Host(), "--secure-port", "0", "--state-dir", state)
	server.Await(t, testserver.ServesEngine)
	config, err := clientcmd.BuildConfigFromFlags("", filepath.Join(state, "kubeconfig"))
	must(t, err)
	client, err := rest.HTTPClientFor(config)
	must(t, err)
	return &process{config, client}
}

func (p *process) get(t *testing.T, path string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.Host+path, nil)
	must(t, err)
	response, err := p.http.Do(request)
	must(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(t, err)
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", path, response.Status)
	}
	return string(body)
}

// memory returns how much memory the server needs: that of its heap and its stacks.
func (p *process) memory(t *testing.T) int {
	t.Helper()
	for range 2 { // the first collection only moves what pools have out of the way
		p.get(t, "/debug/pprof/heap?gc=1")
	}
	sum := 0.
	for line := range strings.Lines(p.get(t, "/metrics")) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "go_memstats_heap_alloc_bytes" || name == "go_memstats_stack_inuse_bytes" {
			bytes, err := strconv.ParseFloat(value, 64)
			must(t, err)
			sum += bytes
		}
	}
	return int(sum)
}

// slow is a stream of a container that writes as fast as it can.
type slow func(t *testing.T, p *process, name string) io.Reader

// slowSession is a session whose client reads what it is asked for.
func slowSession(protocol, subresource string, command ...string) slow {
	return func(t *testing.T, p *process, name string) io.Reader {
		reader, writer := io.Pipe()
		ctx, leave := context.WithCancel(t.Context())
		s := session{p.Config, protocol, name + "/" + subresource, map[string][]string{"command": command}}
		if command == nil {
			s.query = nil
		}
		ended := make(chan error, 1)
		go func() { ended <- s.stream(ctx, remotecommand.StreamOptions{Stdout: writer}) }()
		t.Cleanup(func() {
			leave()
			reader.Close()
			receive(t, "the end", ended)
		})
		return reader
	}
}

func slowLog(t *testing.T, p *process, name string) io.Reader {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.Host+containers+name+"/log?follow=true", nil)
	must(t, err)
	response, err := p.http.Do(request)
	must(t, err)
	t.Cleanup(func() { response.Body.Close() })
	return response.Body
}

func slowDesktop(t *testing.T, p *process, name string) io.Reader {
	config, err := rest.TLSConfigFor(p.Config)
	must(t, err)
	dialer := websocket.Dialer{TLSClientConfig: config}
	conn, response, err := dialer.DialContext(t.Context(), "wss"+strings.TrimPrefix(p.Host, "https")+"/passthrough/engine/logs/"+name,
		http.Header{"Authorization": {"Bearer " + p.BearerToken}})
	must(t, err)
	response.Body.Close()
	t.Cleanup(func() { conn.Close() })
	return websocket.JoinMessages(conn, "")
}

// smallLog keeps the log of a container that writes a lot small.
func smallLog(_ *container.Config, host *container.HostConfig) {
	host.LogConfig = container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "4m", "max-file": "2"}}
}

func TestMemoryStaysBoundedWhenAClientReadsSlowly(t *testing.T) {
	const (
		each, pieces, piece = 4, 10, 32 << 10
		// bound is what the buffers of one stream may take. The window of HTTP/2 is one of them.
		bound = 5 << 20
	)
	p := startProcess(t)
	for what, begin := range map[string]slow{
		"exec over WebSocket":       slowSession("WebSocket", "exec", "yes"),
		"exec over SPDY":            slowSession("SPDY", "exec", "yes"),
		"attach over WebSocket":     slowSession("WebSocket", "attach"),
		"attach over SPDY":          slowSession("SPDY", "attach"),
		"a log":                     slowLog,
		"a log for desktop clients": slowDesktop,
	} {
		t.Run(strings.ReplaceAll(what, " ", "-"), func(t *testing.T) {
			name, before := engine.UniqueName("fast"), p.memory(t)
			eng.Run(t, name, engine.Command("yes"), smallLog)
			var streams []io.Reader
			for range each {
				streams = append(streams, begin(t, p, name))
			}
			most := 0
			for range pieces {
				for _, stream := range streams {
					got := make([]byte, piece)
					_, err := io.ReadFull(stream, got)
					must(t, err)
					if want := bytes.Repeat([]byte("y\n"), piece/2); !bytes.Equal(got, want) && !bytes.Equal(got, append([]byte("\n"), want[:piece-1]...)) {
						t.Fatalf("got %.40q…", got)
					}
				}
				most = max(most, p.memory(t)-before)
			}
			t.Logf("%d streams take %d KB", each, most>>10)
			if most > each*bound {
				t.Errorf("%d streams take %d bytes", each, most)
			}
		})
	}
}

func TestAnIdleExecCostsAtMost100KB(t *testing.T) {
	const many = 100
	p, name := startProcess(t), engine.UniqueName("idle")
	eng.Run(t, name)
	warm := exec(p.Config, name, "true")
	_, _, err := warm.run(t, nil)
	must(t, err)
	start := func() {
		stdin, writer := io.Pipe()
		screen, output := io.Pipe()
		ended := make(chan error, 1)
		go func() {
			ended <- exec(p.Config, name, "cat").stream(t.Context(), remotecommand.StreamOptions{Stdin: stdin, Stdout: output, Stderr: io.Discard})
		}()
		t.Cleanup(func() { _ = receive(t, "the end", ended) })
		t.Cleanup(func() { writer.Close() })
		_, err := io.WriteString(writer, "hello")
		must(t, err)
		_, err = io.ReadFull(screen, make([]byte, 5))
		must(t, err)
	}
	// What else the server does in the meantime also takes memory, so the least of several measurements counts.
	least := int64(math.MaxInt64)
	for attempt := 0; attempt < 3 && least > 100_000; attempt++ {
		before := p.memory(t)
		for range many {
			start()
		}
		least = min(least, int64(p.memory(t)-before)/many)
	}
	t.Logf("an idle exec costs %d bytes", least)
	if least > 100_000 {
		t.Errorf("an idle exec costs %d bytes", least)
	}
}
