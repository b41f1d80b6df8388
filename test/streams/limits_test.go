// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// upgrade asks for a WebSocket, and returns the code and the body of an answer that refuses it.
func (c *client) upgrade(t *testing.T, path, protocol string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.host+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="},
		"Sec-Websocket-Protocol": {protocol}, "Origin": {"https://localhost"},
	}
	response, err := c.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusSwitchingProtocols {
		return response.StatusCode, ""
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestLogsThatAreFollowedAreSessionsAndOthersAreNot(t *testing.T) {
	config := testserver.Start(t, eng.Host(), "--max-sessions=1").Config(t)
	config.NextProtos = []string{"http/1.1"}
	c, name := clientOf(t, config), engine.UniqueName("limit")
	eng.Run(t, name, onSignal("echo ready", "echo hup"))
	follow := c.do(t, http.MethodGet, containers+name+"/log?follow=true", "")
	if follow.StatusCode != http.StatusOK {
		t.Fatal(follow.Status)
	}
	c.refused(t, http.MethodGet, containers+name+"/log?follow=true", "", 429, "1 sessions run already")
	for path, protocol := range map[string]string{containers + name + "/exec?command=true&stdout=true": "v5.channel.k8s.io", logs + name: "x"} {
		if code, body := c.upgrade(t, path, protocol); code != 429 || !strings.Contains(body, "1 sessions run already") {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	eventually(t, "the log so far is read", func() bool { return c.log(t, name) == "ready\n" })
	follow.Body.Close()
	eventually(t, "the session has ended with its client", func() bool {
		code, _ := c.upgrade(t, logs+name, "x")
		return code == http.StatusSwitchingProtocols
	})
	eventually(t, "the session of the desktop client has ended, too", func() bool {
		again := c.do(t, http.MethodGet, containers+name+"/log?follow=true", "")
		return again.StatusCode == http.StatusOK
	})
}

func TestAServerThatStopsBreaksOffTheLogsThatAreFollowed(t *testing.T) {
	server, name := testserver.Start(t, eng.Host()), engine.UniqueName("stops")
	eng.Run(t, name, onSignal("echo ready", "echo hup"))
	config := server.Config(t)
	eachProtocol(t, config, func(t *testing.T, c *client) {
		eventually(t, "the log is read", func() bool { return c.log(t, name) == "ready\n" })
	})
	tlsConfig, err := rest.TLSConfigFor(config)
	if err != nil {
		t.Fatal(err)
	}
	dialer := websocket.Dialer{TLSClientConfig: tlsConfig}
	desktop, response, err := dialer.DialContext(t.Context(), "wss"+strings.TrimPrefix(config.Host, "https")+logs+name,
		http.Header{"Authorization": {"Bearer " + config.BearerToken}})
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	defer desktop.Close()
	if _, got, err := desktop.ReadMessage(); string(got) != "ready\n" {
		t.Fatalf("%q, %v", got, err)
	}
	lines := clientOf(t, config).lines(t, name+"?follow=true")
	expectLine(t, lines, "ready")
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	if rest, err := io.ReadAll(lines); !isBrokenOff(err) || len(rest) > 0 {
		t.Errorf("the log ends with %q, %v", rest, err)
	}
	if _, got, err := desktop.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseInternalServerErr) || !strings.Contains(err.Error(), "the server is stopping") {
		t.Errorf("the log for the desktop client ends with %q, %v", got, err)
	}
}
