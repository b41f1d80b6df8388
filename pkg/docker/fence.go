// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/klog/v2"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
)

// wholeLog asks for the events until 1970. Engines answer with their whole event log, whatever their clock says.
var wholeLog = url.Values{"until": {"0"}}

// logSince asks for the end of the event log, from nano on. An engine compares since with until as times. It compares
// since with its events as 64-bit numbers of nanoseconds, which wrap around. So a since that is 2^64 ns earlier is
// before 1970 and still at the same place in the log. An engine that counts in another way answers with more events, or
// without the anchor.
func logSince(nano int64) url.Values {
	const wrapSeconds, wrapNanos = 1 << 64 / 1_000_000_000, 1 << 64 % 1_000_000_000
	at := time.Unix(0, nano)
	since := time.Unix(at.Unix()-wrapSeconds, int64(at.Nanosecond())-wrapNanos)
	return url.Values{"until": {"0"}, "since": {fmt.Sprintf("%d.%09d", since.Unix(), since.Nanosecond())}}
}

// Fence returns when every change that was complete before the call has been reported to the sinks.
func (e *Engine) Fence(ctx context.Context) error {
	if _, err := e.client.Current(); err != nil {
		return err
	}
	s := e.currentSession()
	if s == nil {
		return connection.Unavailable("the connection to the container engine was lost")
	}
	if !s.fenced() {
		return nil
	}
	_, err := s.fence.Do(ctx)
	switch {
	case err == nil:
		return nil
	case s.connection.Context().Err() != nil:
		return e.client.Explain(context.Cause(s.connection.Context()))
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return apierrors.NewTimeoutError(fmt.Sprintf("the event log of the container engine at %s was not read in time", e.Endpoint()), 1)
	}
	return e.client.Explain(err)
}

func (s *session) fenced() bool { return !s.connection.IsPodman() && !s.logFails.Load() }

// readLog applies the events of the log that the stream has not brought yet.
func (s *session) readLog() (struct{}, error) {
	ctx, cancel := context.WithTimeout(s.connection.Context(), s.fenceTimeout)
	defer cancel()
	lines, err := s.log(ctx)
	if err != nil {
		return struct{}{}, err
	}
	caughtUp, err := s.feed.logged(lines)
	if err != nil || caughtUp == nil {
		return struct{}{}, err
	}
	select {
	case <-caughtUp:
		return struct{}{}, nil
	case <-ctx.Done():
		err := errors.New("its event stream has lost events")
		s.connection.Fail(err)
		return struct{}{}, err
	}
}

// log reads the event log from the anchor on. If the answer does not contain the anchor, it reads the whole log.
func (s *session) log(ctx context.Context) ([][]byte, error) {
	if anchor, nano, ok := s.feed.since(); ok {
		lines, err := s.lines(ctx, logSince(nano))
		if err == nil && s.feed.has(anchor, lines) {
			return lines, nil
		}
	}
	streamed := s.feed.hasReceived()
	lines, err := s.lines(ctx, wholeLog)
	if err == nil && len(lines) == 0 && streamed {
		s.logFails.Store(true)
		klog.FromContext(s.connection.Context()).Info("The container engine's event log cannot be read: reads rely on its event stream")
	}
	return lines, err
}

func (s *session) lines(ctx context.Context, query url.Values) ([][]byte, error) {
	body, err := s.events(ctx, query)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	var lines [][]byte
	err = eachLine(body, func(line []byte) error {
		lines = append(lines, bytes.Clone(line))
		return nil
	})
	return lines, err
}

// events requests /events. It bypasses Docker's client, because decoding each event costs more than the rest of a
// fence.
func (s *session) events(ctx context.Context, query url.Values) (io.ReadCloser, error) {
	response, err := s.connection.Get(ctx, "/events", query)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1024))
		return nil, fmt.Errorf("reading its events: %s: %s", response.Status, text)
	}
	return response.Body, nil
}

// eachLine passes each line to call until r ends or a call fails. It returns nil at the end. The line belongs to the
// reader: call must copy it to keep it.
func eachLine(r io.Reader, call func(line []byte) error) error {
	reader := bufio.NewReaderSize(r, 16<<10)
	var long []byte
	for {
		line, err := reader.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			long = append(long, line...)
			continue
		case len(long) > 0:
			line = append(long, line...)
			long = nil
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			if callErr := call(line); callErr != nil {
				return callErr
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
