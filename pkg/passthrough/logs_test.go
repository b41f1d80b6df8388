// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package passthrough

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/websocket"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/clock"
	testingclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// written is a log that a test writes. It ends with the context of its request.
type written struct {
	*io.PipeReader
	writer  *io.PipeWriter
	options *v1alpha1.ContainerLogOptions
	name    string
	closed  chan struct{}
}

func (w *written) Close() error {
	close(w.closed)
	return w.PipeReader.Close()
}

// tickingClock tells when it has its ticker.
type tickingClock struct {
	*testingclock.FakeClock
	ticking chan struct{}
}

func (c tickingClock) NewTicker(period time.Duration) clock.Ticker {
	defer close(c.ticking)
	return c.FakeClock.NewTicker(period)
}

// server serves the logs of one container, and hands it to the test when a client has opened it.
type server struct {
	*httptest.Server
	clock  tickingClock
	opened chan *written
	err    error
}

func start(t *testing.T, err error) *server {
	t.Helper()
	s := &server{clock: tickingClock{testingclock.NewFakeClock(time.Now()), make(chan struct{})}, opened: make(chan *written, 1), err: err}
	s.Server = httptest.NewServer(Logs{Clock: s.clock, Open: func(ctx context.Context, name string, options *v1alpha1.ContainerLogOptions) (io.ReadCloser, error) {
		if s.err != nil {
			return nil, s.err
		}
		log := &written{name: name, options: options, closed: make(chan struct{})}
		log.PipeReader, log.writer = io.Pipe()
		context.AfterFunc(ctx, func() { log.writer.CloseWithError(ctx.Err()) })
		s.opened <- log
		return log, nil
	}})
	t.Cleanup(s.Close)
	return s
}

// connection is a WebSocket of a client that sees each frame.
type connection struct {
	net.Conn
	input *bufio.Reader
}

func (s *server) connect(t *testing.T, pathAndQuery string) (*connection, *http.Response) {
	t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", pathAndQuery)
	input := bufio.NewReader(conn)
	response, err := http.ReadResponse(input, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &connection{conn, input}, response
}

// frame reads one frame. Servers do not mask their frames.
func (c *connection) frame(t *testing.T) (kind byte, content []byte) {
	t.Helper()
	var header [2]byte
	if _, err := io.ReadFull(c.input, header[:]); err != nil {
		t.Fatal(err)
	}
	length := uint64(header[1])
	if length == 126 {
		var long [2]byte
		if _, err := io.ReadFull(c.input, long[:]); err != nil {
			t.Fatal(err)
		}
		length = uint64(binary.BigEndian.Uint16(long[:]))
	}
	content = make([]byte, length)
	if _, err := io.ReadFull(c.input, content); err != nil {
		t.Fatal(err)
	}
	return header[0] & 0xf, content
}

func (c *connection) expect(t *testing.T, wantKind byte, want []byte) {
	t.Helper()
	if kind, content := c.frame(t); kind != wantKind || !bytes.Equal(content, want) {
		t.Errorf("frame of kind %d with %q, want kind %d with %q", kind, content, wantKind, want)
	}
}

func (c *connection) closeIt(t *testing.T) {
	t.Helper()
	if _, err := c.Write([]byte{0x80 | websocket.CloseFrame, 0x80, 0, 0, 0, 0}); err != nil {
		t.Error(err)
	}
}

func TestALogComesAsBinaryMessagesAndEndsWith1000(t *testing.T) {
	s := start(t, nil)
	c, response := s.connect(t, LogsPath+"web")
	if response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(response.Status)
	}
	log := <-s.opened
	if log.name != "web" || !log.options.Follow || log.options.TailLines != nil || log.options.Timestamps {
		t.Errorf("%s with %+v", log.name, log.options)
	}
	for _, text := range []string{"one\n", "\x00\xff", strings.Repeat("x", 30000)} {
		if _, err := log.writer.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		c.expect(t, websocket.BinaryFrame, []byte(text))
	}
	log.writer.Close()
	c.expect(t, websocket.CloseFrame, []byte{0x03, 0xe8})
	c.closeIt(t)
	<-log.closed
}

func TestALogThatBreaksOffEndsWith1011(t *testing.T) {
	s := start(t, nil)
	c, _ := s.connect(t, LogsPath+"web?tail=all")
	log := <-s.opened
	log.writer.CloseWithError(errors.New("the engine was lost " + strings.Repeat("é", 100)))
	kind, content := c.frame(t)
	if kind != websocket.CloseFrame || len(content) > 125 || binary.BigEndian.Uint16(content) != 1011 || !strings.HasPrefix(string(content[2:]), "the engine was lost é") {
		t.Errorf("frame of kind %d with %q", kind, content)
	}
	c.closeIt(t)
	<-log.closed
}

func TestAClientThatLeavesEndsTheLog(t *testing.T) {
	for how, leave := range map[string]func(*connection){
		"with a close frame": func(c *connection) { c.closeIt(t) },
		"without a word":     func(c *connection) { c.Close() },
	} {
		s := start(t, nil)
		c, _ := s.connect(t, LogsPath+"web")
		log := <-s.opened
		leave(c)
		select {
		case <-log.closed:
		case <-time.After(time.Minute):
			t.Errorf("the log of a client that leaves %s does not end", how)
		}
	}
}

func TestWhatAClientSendsIsIgnored(t *testing.T) {
	s := start(t, nil)
	c, _ := s.connect(t, LogsPath+"web")
	log := <-s.opened
	if _, err := c.Write([]byte{0x80 | websocket.BinaryFrame, 0x80 | 2, 0, 0, 0, 0, 'h', 'i'}); err != nil {
		t.Fatal(err)
	}
	if _, err := log.writer.Write([]byte("still here")); err != nil {
		t.Fatal(err)
	}
	c.expect(t, websocket.BinaryFrame, []byte("still here"))
}

func TestAPingComesEveryTenSeconds(t *testing.T) {
	s := start(t, nil)
	c, _ := s.connect(t, LogsPath+"web")
	<-s.opened
	<-s.clock.ticking
	for range 3 {
		s.clock.Step(10 * time.Second)
		c.expect(t, websocket.PingFrame, nil)
	}
}

func TestParametersAreThoseOfDocker(t *testing.T) {
	for query, want := range map[string]v1alpha1.ContainerLogOptions{
		"":                      {Follow: true},
		"?tail=all":             {Follow: true},
		"?follow=0&tail=20":     {TailLines: ptr.To[int64](20)},
		"?follow=false&tail=0":  {TailLines: ptr.To[int64](0)},
		"?follow=true&tail=007": {Follow: true, TailLines: ptr.To[int64](7)},
	} {
		s := start(t, nil)
		if _, response := s.connect(t, LogsPath+"web"+query); response.StatusCode != http.StatusSwitchingProtocols {
			t.Errorf("%s: %s", query, response.Status)
		} else if diff := cmp.Diff(&want, (<-s.opened).options); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
}

func TestErrorsBeforeTheUpgradeArePlainText(t *testing.T) {
	for _, test := range []struct {
		path string
		err  error
		code int
		text string
	}{
		{LogsPath, nil, 400, "name or the ID of a container"},
		{LogsPath + "a/b", nil, 400, "name or the ID of a container"},
		{LogsPath + "a%2Fb", nil, 400, "name or the ID of a container"},
		{LogsPath + "web?tail=few", nil, 400, `"few"`},
		{LogsPath + "web?tail=-1", nil, 400, `"-1"`},
		{LogsPath + "web?follow=maybe", nil, 400, `"maybe"`},
		{LogsPath + "web?tail=1&tail=2", nil, 400, "2 times"},
		{LogsPath + "web?since=1h", nil, 400, `there is no parameter "since"`},
		{LogsPath + "web?a=%zz", nil, 400, "cannot be read"},
		{LogsPath + "web", apierrors.NewNotFound(v1alpha1.Resource("containers"), "web"), 404, `"web" not found`},
		{LogsPath + "web", apierrors.NewServiceUnavailable("no engine"), 503, "no engine"},
		{LogsPath + "web", errors.New("a bug"), 500, "a bug"},
	} {
		_, response := start(t, test.err).connect(t, test.path)
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != test.code || !strings.Contains(string(body), test.text) || !strings.HasPrefix(response.Header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s: %s %s, want %d %s: %v", test.path, response.Status, body, test.code, test.text, err)
		}
	}
}

func TestARequestWithoutAnUpgradeIsRefused(t *testing.T) {
	s := start(t, nil)
	response, err := http.Get(s.URL + LogsPath + "web")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); response.StatusCode != 400 || !strings.Contains(string(body), "WebSocket") {
		t.Errorf("%s: %s", response.Status, body)
	}
}
