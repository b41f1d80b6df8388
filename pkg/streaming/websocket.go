// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streaming

import (
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/remotecommand"
)

const (
	// messageLimit is the length of the longest message that a client may send, as in Kubernetes. Messages are not held
	// in memory.
	messageLimit = 32 << 20
	// resizeLimit is how much of a message with sizes is read.
	resizeLimit = 4 << 10
	// channelByte is what a message begins with: the number of its channel.
	channelByte = 1
	// frameHeader is more than the longest header of a frame.
	frameHeader = 16
	// messageBuffer is the memory for a message of the longest kind, which carries a SPDY frame.
	messageBuffer = frameHeader + heldLimit
)

// messageBuffers has the memory of messages that are being sent. A silent session has none.
var messageBuffers sync.Pool

// webSocket is a connection with the protocol v5.channel.k8s.io or v4.channel.k8s.io.
type webSocket struct {
	conn      *websocket.Conn
	session   *session
	halfClose bool // of v5: the client can close stdin alone

	writing   sync.Mutex
	answering sync.Mutex
}

// newUpgrader returns an upgrader to WebSocket for clients that speak one of the protocols.
func newUpgrader(protocols ...string) *websocket.Upgrader {
	return &websocket.Upgrader{
		Subprotocols:    protocols,
		WriteBufferSize: messageBuffer,
		WriteBufferPool: &messageBuffers,
		// Credentials are checked, and no cookie is one.
		CheckOrigin: func(*http.Request) bool { return true },
	}
}

func upgradeToWebSocket(w http.ResponseWriter, r *http.Request, command Command, session *session) (connection, error) {
	var refusal error
	upgrader := newUpgrader(webSocketCommandProtocols...)
	upgrader.Error = func(_ http.ResponseWriter, _ *http.Request, _ int, reason error) { refusal = reason }
	conn, err := upgrader.Upgrade(w, r, nil)
	switch {
	case refusal != nil:
		return nil, apierrors.NewBadRequest("upgrading the connection to WebSocket: " + refusal.Error())
	case err != nil:
		return nil, nil // The client did not wait for the answer.
	}
	conn.SetReadLimit(messageLimit)
	ws := &webSocket{
		conn:      conn,
		halfClose: conn.Subprotocol() == remotecommand.StreamProtocolV5Name,
		session:   session,
	}
	conn.SetPingHandler(ws.pong)
	// Clients of Kubernetes expect one empty message when the session is there.
	if err := ws.write(greetingChannel(command), nil); err != nil {
		ws.close()
		return nil, nil
	}
	return ws, nil
}

func greetingChannel(command Command) byte {
	switch {
	case command.Stdout:
		return stdoutChannel
	case command.Stderr:
		return stderrChannel
	default:
		return errorChannel
	}
}

// pong answers a ping. The goroutine that reads must not wait for a client that does not read, and an answer with a
// deadline would break the connection of a client that reads slowly. So another goroutine answers, one ping at a time:
// clients that send the next one meanwhile get one answer less.
func (ws *webSocket) pong(data string) error {
	if ws.answering.TryLock() {
		ws.session.goroutines.Go(func() {
			defer ws.answering.Unlock()
			// The connection has ended if that fails, which receive notices.
			_ = ws.conn.WriteControl(websocket.PongMessage, []byte(data), time.Time{})
		})
	}
	return nil
}

func (ws *webSocket) ping() error {
	return ws.conn.WriteControl(websocket.PingMessage, nil, time.Time{})
}

func (ws *webSocket) receive(in input) {
	for {
		_, message, err := ws.conn.NextReader()
		if err != nil {
			in.stdin.end(io.ErrUnexpectedEOF)
			return
		}
		ws.dispatch(message, in)
	}
}

// dispatch hands a message over. Whatever of it is not read here, the next call of NextReader skips.
func (ws *webSocket) dispatch(message io.Reader, in input) {
	buffer := chunks.Get().(*[chunk]byte)
	defer chunks.Put(buffer)
	if _, err := io.ReadFull(message, buffer[:channelByte]); err != nil {
		return
	}
	switch buffer[0] {
	case stdinChannel:
		in.touch()
		// A message that breaks off ends receive.
		_, _ = io.CopyBuffer(in.stdin, message, buffer[:])
	case resizeChannel:
		in.touch()
		in.sizes.decode(io.LimitReader(message, resizeLimit))
	case closeChannel:
		_, err := io.ReadFull(message, buffer[:channelByte])
		if err == nil && ws.halfClose && buffer[0] == stdinChannel {
			in.stdin.end(io.EOF)
		}
	}
}

func (ws *webSocket) write(channel byte, p []byte) error {
	ws.writing.Lock()
	defer ws.writing.Unlock()
	message, err := ws.conn.NextWriter(websocket.BinaryMessage)
	if err != nil {
		return err
	}
	if _, err := message.Write([]byte{channel}); err != nil {
		return err
	}
	if _, err := message.Write(p); err != nil {
		return err
	}
	return message.Close()
}

// finish sends the status and the close frame. Clients take any other close code for a lost status.
func (ws *webSocket) finish(status []byte) error {
	if err := ws.write(errorChannel, status); err != nil {
		return err
	}
	normal := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	return ws.conn.WriteControl(websocket.CloseMessage, normal, time.Time{})
}

func (ws *webSocket) close() { _ = ws.conn.Close() }
