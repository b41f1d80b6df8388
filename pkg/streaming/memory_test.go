// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streaming

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/tools/remotecommand"
)

const (
	// idleClientsOf is the variable with the address of the server whose idle clients a process is to be, and idleClientsOver
	// the one with their protocol.
	idleClientsOf, idleClientsOver = "IDLE_CLIENTS_OF", "IDLE_CLIENTS_OVER"
	idleClients                    = 100
)

func TestMain(m *testing.M) {
	if url := os.Getenv(idleClientsOf); url != "" {
		if err := idleProtocols[os.Getenv(idleClientsOver)](&server{Server: &httptest.Server{URL: url}}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// idleInput is what each client sends before it is idle.
const idleInput = 20_000

// idleProtocols have sessions in which something was sent, until stdin ends.
var idleProtocols = map[string]func(*server) error{
	"WebSocket": func(s *server) error {
		for range idleClients {
			conn, _, err := s.tryDial("v5.channel.k8s.io")
			if err != nil {
				return err
			}
			defer conn.Close()
			if err := conn.WriteMessage(2, []byte("\x00"+strings.Repeat("x", idleInput))); err != nil {
				return err
			}
		}
		_, err := io.Copy(io.Discard, os.Stdin)
		return err
	},
	"SPDY": func(s *server) error {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		var clients sync.WaitGroup
		for range idleClients {
			config := s.config()
			config.Insecure = true // the certificate is that of the other process
			executor, err := remotecommand.NewSPDYExecutor(config, http.MethodPost, s.url())
			if err != nil {
				return err
			}
			stdin := io.MultiReader(strings.NewReader(strings.Repeat("x", idleInput)), until(ctx.Done()))
			clients.Go(func() {
				_ = executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: stdin, Stdout: io.Discard, Stderr: io.Discard})
			})
		}
		_, err := io.Copy(io.Discard, os.Stdin)
		cancel()
		clients.Wait()
		return err
	},
}

// until is a reader that has nothing until it ends.
type until <-chan struct{}

// Read implements io.Reader.
func (u until) Read([]byte) (int, error) {
	<-u
	return 0, io.EOF
}

// The header compression of the SPDY server takes 0.8 MB for as long as a connection lasts.
func TestAnIdleSessionCostsAtMost100KBOverWebSocketAnd1500KBOverSPDY(t *testing.T) {
	for protocol, most := range map[string]uint64{"WebSocket": 100_000, "SPDY": 1_500_000} {
		t.Run(protocol, func(t *testing.T) {
			if each := costOfIdle(t, protocol); each > most {
				t.Errorf("a session costs %d bytes", each)
			} else {
				t.Logf("a session costs %d bytes", each)
			}
		})
	}
}

// costOfIdle returns how much memory each of many sessions takes in which nothing is sent any more.
func costOfIdle(t *testing.T, protocol string) uint64 {
	t.Helper()
	process := newIdle()
	command := Command{Kind: "exec", Stdin: true, Stdout: true, Stderr: true}
	server := start(t, Config{}, commands(command, func(ctx context.Context, streams Streams) error {
		if _, err := io.ReadFull(streams.Stdin, make([]byte, idleInput)); err != nil {
			return err
		}
		return process.execute(ctx, streams)
	}), (*httptest.Server).StartTLS)
	before := memory()

	clients := exec.CommandContext(t.Context(), os.Args[0])
	clients.Env = append(os.Environ(), idleClientsOf+"="+server.URL, idleClientsOver+"="+protocol)
	clients.Stderr = os.Stderr
	stdin, err := clients.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := clients.Start(); err != nil {
		t.Fatal(err)
	}
	for range idleClients {
		receive(t, "the sessions", process.begun)
	}
	each := (memory() - before) / idleClients
	stdin.Close()
	if err := clients.Wait(); err != nil {
		t.Error(err)
	}
	for range idleClients {
		receive(t, "the sessions to end", process.ended)
	}
	return each
}

func memory() uint64 {
	// The first collection only moves what pools have out of the way.
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc + stats.StackInuse
}
