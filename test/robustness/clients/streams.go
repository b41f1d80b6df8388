// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package clients

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

// streamKinds are the streams that clients have.
var streamKinds = []func(c *Client, ctx context.Context, s *Stage) error{
	(*Client).followLog, (*Client).readLog, (*Client).passLog,
	execOver("WebSocket"), execOver("SPDY"), catOver("WebSocket"), catOver("SPDY"),
	attachOver("WebSocket"), attachOver("SPDY"), copyOver("WebSocket"), copyOver("SPDY"),
	forwardOver("WebSocket"), forwardOver("SPDY"),
}

// Stream has one stream after another until ctx ends.
func (c *Client) Stream(ctx context.Context, s *Stage) {
	for ctx.Err() == nil {
		stay, leave := ctx, context.CancelFunc(func() {})
		if c.Random.IntN(4) == 0 { // some clients leave in the middle
			stay, leave = context.WithTimeout(ctx, time.Duration(c.Random.IntN(2000))*time.Millisecond)
		}
		err := streamKinds[c.Random.IntN(len(streamKinds))](c, stay, s)
		leave()
		if err != nil {
			sleep(ctx, pause)
		}
	}
}

// stream records a stream that has ended with err.
func (c *Client) stream(s history.Stream, err error) {
	s.Client, s.Ended = c.Name, err == nil
	if err != nil {
		s.Reason = err.Error()
	}
	for i, output := range s.Outputs {
		if strings.HasPrefix(output.Written, output.Delivered) {
			s.Outputs[i].Delivered = output.Written[:len(output.Delivered)] // shares the memory
		}
	}
	c.Recorder.Stream(&s)
}

// followLog follows a log until its container has ended.
func (c *Client) followLog(ctx context.Context, s *Stage) error { return c.log(ctx, s, true) }

// readLog reads a log as far as it has been written.
func (c *Client) readLog(ctx context.Context, s *Stage) error { return c.log(ctx, s, false) }

func (c *Client) log(ctx context.Context, s *Stage, follow bool) error {
	name, err := s.logged(ctx)
	if err != nil {
		return err
	}
	stream := history.Stream{Kind: "log, followed: " + strconv.FormatBool(follow), Container: name, Run: c.Run(), Partial: !follow}
	before := s.seenOf(name)
	log, err := c.API.RESTClient().Get().Namespace(c.Namespace).Resource("containers").Name(name).SubResource("log").
		Param("follow", strconv.FormatBool(follow)).Stream(ctx)
	if err != nil {
		return err
	}
	defer log.Close()
	return c.readWhole(s, stream, before, log)
}

// readWhole reads a log to its end, and records it.
func (c *Client) readWhole(s *Stage, stream history.Stream, before int, log io.Reader) error {
	content, err := io.ReadAll(log)
	s.see(stream.Container, len(content))
	stream.Outputs = []history.Output{{Delivered: string(content), Before: before}}
	c.stream(stream, err)
	return err
}

// passLog follows a log as desktop clients do.
func (c *Client) passLog(ctx context.Context, s *Stage) error {
	name, err := s.logged(ctx)
	if err != nil {
		return err
	}
	stream := history.Stream{Kind: "log for desktop clients", Container: name, Run: c.Run()}
	before := s.seenOf(name)
	conn, err := s.dial(ctx, "/passthrough/engine/logs/"+name)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	return c.readWhole(s, stream, before, &messages{conn: conn})
}

// dial opens a WebSocket.
func (s *Stage) dial(ctx context.Context, path string) (*websocket.Conn, error) {
	config, err := rest.TLSConfigFor(s.config)
	if err != nil {
		return nil, err
	}
	target, err := url.Parse(s.config.Host + path)
	if err != nil {
		return nil, err
	}
	target.Scheme = "wss"
	dialer := websocket.Dialer{TLSClientConfig: config}
	conn, response, err := dialer.DialContext(ctx, target.String(), http.Header{"Authorization": {"Bearer " + s.config.BearerToken}})
	if err != nil {
		return nil, err
	}
	response.Body.Close()
	return conn, nil
}

// messages reads the content of a WebSocket's messages. It ends with io.EOF only if the server has closed it without an
// error.
type messages struct {
	conn *websocket.Conn
	left []byte
}

// Read implements io.Reader.
func (m *messages) Read(p []byte) (int, error) {
	for len(m.left) == 0 {
		var err error
		if _, m.left, err = m.conn.ReadMessage(); websocket.IsCloseError(err, websocket.CloseNormalClosure) {
			return 0, io.EOF
		} else if errors.Is(err, io.EOF) {
			return 0, io.ErrUnexpectedEOF
		} else if err != nil {
			return 0, err
		}
	}
	n := copy(p, m.left)
	m.left = m.left[n:]
	return n, nil
}

// output collects what a client gets. A session that was left may still write to it.
type output struct {
	mu   sync.Mutex
	data bytes.Buffer
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.data.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.data.String()
}
