// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streaming

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/websocket"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/remotecommand"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
	"k8s.io/streaming/pkg/httpstream/wsstream"
)

const (
	stdinChannel  = remotecommand.StreamStdIn
	stdoutChannel = remotecommand.StreamStdOut
	stderrChannel = remotecommand.StreamStdErr
	errorChannel  = remotecommand.StreamErr
	resizeChannel = remotecommand.StreamResize
	closeChannel  = remotecommand.StreamClose
)

var (
	webSocketCommandProtocols = []string{remotecommand.StreamProtocolV5Name, remotecommand.StreamProtocolV4Name}
	spdyCommandProtocols      = []string{remotecommand.StreamProtocolV4Name}
)

// upgrader upgrades a request for a command. It returns neither a connection nor an error if the client has left before
// its streams were there.
type upgrader func(w http.ResponseWriter, r *http.Request, command Command, session *session) (connection, error)

// commandUpgrade returns how a request for a command is upgraded.
func commandUpgrade(r *http.Request) (upgrader, error) {
	switch {
	case wsstream.IsWebSocketRequest(r):
		if err := negotiable("WebSocket", websocket.Subprotocols(r), webSocketCommandProtocols); err != nil {
			return nil, err
		}
		return upgradeToWebSocket, nil
	case isSPDYRequest(r):
		if err := negotiable(spdy.HeaderSpdy31, headerValues(r, httpstream.HeaderProtocolVersion), spdyCommandProtocols); err != nil {
			return nil, err
		}
		return upgradeToSPDY, nil
	default:
		return nil, errNoUpgrade()
	}
}

func isSPDYRequest(r *http.Request) bool {
	return httpstream.IsUpgradeRequest(r) && slices.ContainsFunc(headerValues(r, httpstream.HeaderUpgrade), func(protocol string) bool {
		return strings.EqualFold(protocol, spdy.HeaderSpdy31)
	})
}

func errNoUpgrade() error {
	return apierrors.NewBadRequest("the request does not ask for an upgrade to WebSocket or SPDY/3.1, which a session needs: use a client that does")
}

// negotiable reports whether the client offers a protocol that is served.
func negotiable(transport string, offered, served []string) error {
	if slices.ContainsFunc(offered, func(protocol string) bool { return slices.Contains(served, protocol) }) {
		return nil
	}
	return apierrors.NewBadRequest(fmt.Sprintf("the request offers no protocol over %s that the server speaks: it offers %q, and the server speaks %q",
		transport, offered, served))
}

func headerValues(r *http.Request, name string) []string {
	var values []string
	for _, line := range r.Header.Values(name) {
		for value := range strings.SplitSeq(line, ",") {
			if value = strings.TrimSpace(value); value != "" {
				values = append(values, value)
			}
		}
	}
	return values
}
