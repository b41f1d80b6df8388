// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streaming

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

const (
	// idleClientsOf is the variable with the address of the server whose idle clients a process is to be.
	idleClientsOf = "IDLE_CLIENTS_OF"
	idleClients   = 100
)

func TestMain(m *testing.M) {
	if url := os.Getenv(idleClientsOf); url != "" {
		if err := beIdleClients(url); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// beIdleClients has sessions in which something was sent, until stdin ends.
func beIdleClients(url string) error {
	s := &server{Server: &httptest.Server{URL: url}}
	for range idleClients {
		conn, _, err := s.tryDial("v5.channel.k8s.io")
		if err != nil {
			return err
		}
		defer conn.Close()
		if err := conn.WriteMessage(2, []byte("\x00"+strings.Repeat("x", 20_000))); err != nil {
			return err
		}
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

func TestAnIdleSessionCostsAtMost100KB(t *testing.T) {
	process := newIdle()
	server := start(t, Config{}, commands(all, func(ctx context.Context, streams Streams) error {
		if _, err := io.ReadFull(streams.Stdin, make([]byte, 20_000)); err != nil {
			return err
		}
		return process.execute(ctx, streams)
	}), (*httptest.Server).StartTLS)
	before := memory()

	clients := exec.CommandContext(t.Context(), os.Args[0])
	clients.Env = append(os.Environ(), idleClientsOf+"="+server.URL)
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
	if each := (memory() - before) / idleClients; each > 100_000 {
		t.Errorf("a session costs %d bytes", each)
	} else {
		t.Logf("a session costs %d bytes", each)
	}
	stdin.Close()
	if err := clients.Wait(); err != nil {
		t.Error(err)
	}
	for range idleClients {
		receive(t, "the sessions to end", process.ended)
	}
}

func memory() uint64 {
	// The first collection only moves what pools have out of the way.
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc + stats.StackInuse
}
