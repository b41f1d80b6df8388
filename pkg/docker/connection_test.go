// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"encoding/pem"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	dockercontext "github.com/docker/cli/cli/context"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
)

func TestTLSIsSpokenAsTheDockerCommandSpeaksIt(t *testing.T) {
	dir := dockertest.Home(t)
	f := &fake{api: "1.41", added: make(chan struct{}), log: func(string) (int, string) { return 200, "" }}
	server := httptest.NewUnstartedServer(f)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(func() { go server.Close() })
	t.Cleanup(server.CloseClientConnections)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	dockertest.Must(t, os.WriteFile(filepath.Join(dir, "ca.pem"), ca, 0o600))
	host := "tcp://" + server.Listener.Addr().String()
	dockertest.AddContext(t, "secure", host, &dockercontext.TLSData{CA: ca})
	for what, set := range map[string]func() string{
		"verified":    func() string { t.Setenv("DOCKER_TLS_VERIFY", "1"); return host },
		"not checked": func() string { t.Setenv("DOCKER_TLS", "1"); return host },
		"context":     func() string { t.Setenv("DOCKER_CONTEXT", "secure"); return "" },
	} {
		for _, name := range []string{"DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CONTEXT"} {
			t.Setenv(name, "")
		}
		x := connectTo(t, set(), nil)
		x.awaitConnection(t)
		if err := x.Fence(t.Context()); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestConfiguredHeadersAreSent(t *testing.T) {
	dir := dockertest.Home(t)
	dockertest.Must(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"HttpHeaders":{"X-Tenant":"me"}}`), 0o600))
	f := startFake(t)
	x := connectFake(t, f)
	dockertest.Must(t, x.Fence(t.Context()))
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tenants["me"] == 0 || f.tenants[""] > 0 {
		t.Errorf("%v", f.tenants)
	}
}

func TestAnEngineIsReachedBySSH(t *testing.T) {
	dir := dockertest.Home(t)
	program, err := os.Executable()
	dockertest.Must(t, err)
	dockertest.Must(t, os.WriteFile(filepath.Join(dir, "ssh"), []byte("#!/bin/sh\nexec "+program+"\n"), 0o700))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv(sshTarget, strings.TrimPrefix(shared.Host(), "unix://"))
	x := connectTo(t, "ssh://me@there", nil)
	x.awaitConnection(t)
	if x.image(t, "busybox:latest") == nil {
		t.Error("nothing is shown")
	}
}
