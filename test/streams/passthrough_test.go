// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/websocket"
	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

const logs = "/passthrough/engine/logs/"

// open opens the log of a container as desktop clients do.
func open(t *testing.T, config *rest.Config, nameAndQuery string) (*websocket.Conn, error) {
	t.Helper()
	ws, err := websocket.NewConfig("wss"+strings.TrimPrefix(config.Host, "https")+logs+nameAndQuery, "https://localhost")
	if err != nil {
		t.Fatal(err)
	}
	if ws.TlsConfig, err = rest.TLSConfigFor(config); err != nil {
		t.Fatal(err)
	}
	if ws.TlsConfig == nil {
		ws.TlsConfig = &tls.Config{}
	}
	ws.TlsConfig.NextProtos = nil
	if config.BearerToken != "" {
		ws.Header.Set("Authorization", "Bearer "+config.BearerToken)
	}
	conn, err := ws.DialContext(t.Context())
	if err == nil {
		t.Cleanup(func() { conn.Close() })
	}
	return conn, err
}

// message returns one message, or an empty one at the end.
func message(t *testing.T, conn *websocket.Conn) string {
	t.Helper()
	var content []byte
	if err := websocket.Message.Receive(conn, &content); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return string(content)
}

func TestDesktopClientsSeeBothOutputsAsTheyAreWritten(t *testing.T) {
	config := testserver.Start(t, eng.Host()).Config(t)
	name := engine.UniqueName("desktop")
	id := eng.Run(t, name, onSignal("echo ready", "echo hup >&2"))
	for _, one := range []string{name, id, id[:12]} {
		conn, err := open(t, config, one+"?tail=1")
		if err != nil {
			t.Fatal(err)
		}
		message(t, conn)
		signal(t, id)
		if got := message(t, conn); got != "hup\n" {
			t.Errorf("%q", got)
		}
	}
	conn, err := open(t, config, name+"?follow=false")
	if err != nil {
		t.Fatal(err)
	}
	whole := ""
	for text := message(t, conn); text != ""; text = message(t, conn) {
		whole += text
	}
	if whole != "ready\nhup\nhup\nhup\n" {
		t.Errorf("%q", whole)
	}
}

func TestDesktopClientsNeedTheRightToGetTheLog(t *testing.T) {
	server := testserver.Start(t, eng.Host())
	config := server.Config(t)
	name := engine.UniqueName("right")
	runToEnd(t, name, script("echo one"))
	stranger := rest.CopyConfig(config)
	stranger.BearerToken, stranger.CertData, stranger.KeyData, stranger.CertFile, stranger.KeyFile = "wrong", nil, nil, "", ""
	if _, err := open(t, stranger, name); err == nil {
		t.Error("a client with a wrong token sees the log")
	}
	c := clientOf(t, config)
	c.refused(t, http.MethodGet, logs+name, "", 400, "this is a WebSocket")
	c.refused(t, http.MethodGet, logs+"a%2Fb", "", 400, "name or the ID")
	c.refused(t, http.MethodPost, logs+name, "", 400, "")
}
