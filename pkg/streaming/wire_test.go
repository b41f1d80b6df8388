// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streaming

import (
	"encoding/json"
	"testing"

	"github.com/gorilla/websocket"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func jsonEncode(value any) ([]byte, error) { return json.Marshal(value) }

func jsonStatus(t *testing.T, encoded []byte) metav1.Status {
	t.Helper()
	var status metav1.Status
	if err := json.Unmarshal(encoded, &status); err != nil {
		t.Fatalf("%q is no Status: %v", encoded, err)
	}
	return status
}

// send sends a message on a channel.
func send(t *testing.T, conn *websocket.Conn, channel byte, data string) {
	t.Helper()
	if err := conn.WriteMessage(websocket.BinaryMessage, append([]byte{channel}, data...)); err != nil {
		t.Fatal(err)
	}
}

// message is what came on a channel.
type message struct {
	channel byte
	data    string
}

// next reads a message.
func next(t *testing.T, conn *websocket.Conn) message {
	t.Helper()
	_, data, err := conn.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	if len(data) == 0 {
		t.Fatal("a message has no channel")
	}
	return message{data[0], string(data[1:])}
}

// readAll reads messages to the end, and returns them with the error that ended them.
func readAll(conn *websocket.Conn) ([]message, error) {
	var all []message
	for {
		_, data, err := conn.ReadMessage()
		if err != nil {
			return all, err
		}
		all = append(all, message{data[0], string(data[1:])})
	}
}

// lastStatus reads to the end, which must be a normal one, and returns the status.
func lastStatus(t *testing.T, conn *websocket.Conn) metav1.Status {
	t.Helper()
	all, err := readAll(conn)
	if !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		t.Fatalf("the session ended with %v", err)
	}
	last := all[len(all)-1]
	if last.channel != errorChannel {
		t.Fatalf("the last message is %q on channel %d, want the status", last.data, last.channel)
	}
	return jsonStatus(t, []byte(last.data))
}
