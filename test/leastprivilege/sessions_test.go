// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package leastprivilege

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/streamclient"
)

// awaitSize is a script that ends when its terminal has the size that hold gives it.
const awaitSize = `until [ "$(stty size)" = "24 80" ]; do sleep 0.01; done`

// hold has a session with a container to its end.
func hold(t *testing.T, config *rest.Config, path, query string, streams remotecommand.StreamOptions) {
	t.Helper()
	u, err := url.Parse(config.Host + namespace + "/containers/" + path + "?" + query)
	if err != nil {
		t.Fatal(err)
	}
	executor, err := remotecommand.NewWebSocketExecutor(config, http.MethodGet, u.String())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if streams.Tty {
		sizes := make(streamclient.Sizes, 1)
		sizes <- remotecommand.TerminalSize{Width: 80, Height: 24}
		streams.TerminalSizeQueue = sizes
		defer close(sizes)
	}
	if streams.Stdin == nil {
		streams.Stdin = strings.NewReader("")
	}
	streams.Stdout = io.Discard
	if err := executor.StreamWithContext(ctx, streams); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// useSessions has a session of each kind, with and without a terminal.
func useSessions(t *testing.T, config *rest.Config, running string) {
	t.Helper()
	terminal, plain := engine.UniqueName("terminal"), engine.UniqueName("plain")
	eng.Run(t, terminal, engine.Command("sh", "-c", awaitSize), func(config *container.Config, _ *container.HostConfig) {
		config.Tty, config.OpenStdin = true, true
	})
	eng.Run(t, plain, engine.Command("cat"), func(config *container.Config, _ *container.HostConfig) {
		config.OpenStdin, config.StdinOnce = true, true
	})
	hold(t, config, running+"/exec", "command=sh&command=-c&stdin=true&stdout=true&tty=true&command="+url.QueryEscape(awaitSize), remotecommand.StreamOptions{Tty: true})
	hold(t, config, terminal+"/attach", "stdin=true&stdout=true&tty=true&logs=true", remotecommand.StreamOptions{Tty: true})
	hold(t, config, plain+"/attach", "stdin=true&stdout=true&stderr=true", remotecommand.StreamOptions{Stderr: io.Discard})
	hold(t, config, running+"/archive", "path=/bin&stdout=true", remotecommand.StreamOptions{})
	hold(t, config, running+"/archive", "path=/bin&stdin=true", remotecommand.StreamOptions{Stdin: strings.NewReader(strings.Repeat("\x00", 1024))})
}
