// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	mergePatch = "application/merge-patch+json"
	jsonPatch  = "application/json-patch+json"
	applyPatch = "application/apply-patch+yaml"
)

// request is a request that send writes to the connection as it is. Go's HTTP client would clean it.
type request struct {
	method, path string
	// contentType may be empty. A request with a body then has the type application/json.
	contentType, body string
	// header holds more lines of the header. send adds the token unless a line begins with Authorization.
	header []string
}

func (r request) String() string {
	text := r.method + " " + r.path
	if r.body != "" {
		text += " " + r.contentType + " " + r.body
	}
	if len(r.header) > 0 {
		text += fmt.Sprintf(" %q", r.header)
	}
	if len(text) > 300 {
		text = text[:300] + "…"
	}
	return text
}

// response is an answer whose body was read to its end.
type response struct {
	*http.Response
	body string
}

// dial opens a connection to the server for HTTP/1.1.
func (f *fixture) dial(t *testing.T) *tls.Conn {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(f.config.Host, "https://"), f.tls)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// connection is a connection that answers are read from.
type connection struct {
	net.Conn
	reader *bufio.Reader
}

// send clears the record of the requests to the engine, and sends the request. It uses the connection of the request before, if
// the server has left it open.
func (f *fixture) send(t *testing.T, r request) response {
	t.Helper()
	f.proxy.Reset()
	if f.kept != nil {
		answer, err := f.sendOn(f.kept, r)
		if err == nil {
			return answer
		}
		f.kept = nil // The server may have closed it before it saw the request.
	}
	conn := f.dial(t)
	answer, err := f.sendOn(&connection{conn, bufio.NewReader(conn)}, r)
	if err != nil {
		t.Fatalf("%s: %v", r, err)
	}
	return answer
}

// sendOn sends the request on a connection. It keeps the connection for the next request, or closes it.
func (f *fixture) sendOn(conn *connection, r request) (response, error) {
	isOpen := false
	defer func() {
		if !isOpen {
			conn.Close()
		}
	}()
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		return response{}, err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s HTTP/1.1\r\nHost: %s\r\n", r.method, r.path, conn.RemoteAddr())
	if !slices.ContainsFunc(r.header, func(line string) bool { return strings.HasPrefix(line, "Authorization") }) {
		fmt.Fprintf(&text, "Authorization: Bearer %s\r\n", f.config.BearerToken)
	}
	for _, line := range r.header {
		fmt.Fprintf(&text, "%s\r\n", line)
	}
	if contentType := r.contentType; contentType != "" || r.body != "" {
		fmt.Fprintf(&text, "Content-Type: %s\r\nContent-Length: %d\r\n", cmp.Or(contentType, "application/json"), len(r.body))
	}
	fmt.Fprintf(&text, "\r\n%s", r.body)
	written := make(chan error, 1)
	// In a goroutine, because the server may answer before it has read everything.
	go func() {
		_, err := io.WriteString(conn, text.String())
		written <- err
	}()
	answer, err := http.ReadResponse(conn.reader, &http.Request{Method: r.method})
	if err != nil {
		return response{}, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return response{}, err
	}
	if !answer.Close && <-written == nil {
		f.kept, isOpen = conn, true
	}
	return response{answer, string(body)}, nil
}

// into decodes the body of an answer, whose status must be 200.
func (r response) into(t *testing.T, object any) {
	t.Helper()
	if r.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	if err := json.Unmarshal([]byte(r.body), object); err != nil {
		t.Fatal(err)
	}
}

// refuse sends the request. It fails unless the answer has one of the codes and a Status that says why. It also fails if the
// engine got a request that is not harmless.
func (f *fixture) refuse(t *testing.T, r request, codes ...int) metav1.Status {
	t.Helper()
	answer := f.send(t, r)
	f.checkAsked(t)
	var status metav1.Status
	if !slices.Contains(codes, answer.StatusCode) {
		t.Errorf("%s: %d, want %v: %.1000s", r, answer.StatusCode, codes, answer.body)
	} else if err := json.Unmarshal([]byte(answer.body), &status); err != nil {
		t.Errorf("%s: the answer is not a Status: %v: %.300s", r, err, answer.body)
	} else if status.Kind != "Status" || int(status.Code) != answer.StatusCode || status.Reason == "" || status.Message == "" {
		t.Errorf("%s: the Status in the answer is not complete: %.300s", r, answer.body)
	}
	return status
}
