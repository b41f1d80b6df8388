// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// TestClientsThatNeverEndAreCutOff opens connections that begin a request and never finish it. The server must close each of
// them, and other clients must not wait. This test is the first one of the package, so that the server's timeouts pass while
// the other tests run.
func TestClientsThatNeverEndAreCutOff(t *testing.T) {
	f := startAnother(t)
	const each = 20
	beginnings := map[string]string{
		"headers":        f.with("GET "+namespace+"/containers", "X: "),
		"a body":         f.with("PUT "+f.containerPath(), "Content-Type: application/json", "Content-Length: 1000000", "", "{"),
		"chunks":         f.with("PATCH "+f.containerPath(), "Content-Type: "+mergePatch, "Transfer-Encoding: chunked", "", "1", "{", ""),
		"options":        f.with("DELETE "+namespace+"/volumes", "Content-Type: application/json", "Content-Length: 1000", "", "{"),
		"a refused body": "PUT " + f.containerPath() + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
	}
	done := make(chan struct{})
	defer close(done)
	opened := map[net.Conn]string{}
	for name, beginning := range beginnings {
		for range each {
			conn := f.dial(t)
			if _, err := io.WriteString(conn, beginning); err != nil {
				t.Fatal(err)
			}
			opened[conn] = name
			go dribble(conn, done)
		}
	}
	for range each {
		if answer := f.send(t, request{method: http.MethodGet, path: f.containerPath()}); answer.StatusCode != http.StatusOK {
			t.Errorf("%d %s", answer.StatusCode, answer.body)
		}
	}
	t.Parallel() // the test continues when the tests that are not parallel have ended

	deadline := time.Now().Add(2 * time.Minute)
	for conn, name := range opened {
		conn.SetReadDeadline(deadline)
		if _, err := io.Copy(io.Discard, conn); err != nil {
			if netErr, ok := err.(net.Error); ok && netErr.Timeout() {
				t.Fatalf("a connection that never ends its %s is still open", name)
			}
		}
	}
	f.checkAsked(t)
}

// dribble sends one more byte each second, so that the connection is never idle.
func dribble(conn net.Conn, done <-chan struct{}) {
	for tick := time.Tick(time.Second); ; {
		select {
		case <-done:
			return
		case <-tick:
			if _, err := conn.Write([]byte("1")); err != nil {
				return
			}
		}
	}
}
