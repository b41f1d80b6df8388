// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package dockerproxy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	// gather is for how long events of a stream are put together for Events to change.
	gather = 20 * time.Millisecond
	// arriving is how many events of a stream are read ahead.
	arriving = 64
)

// Events makes other events of those that have just come in on a stream or that a read of the log has brought, each with the
// newline at its end. It may block until ctx ends. An error ends the answer after these events, as if the connection were lost.
type Events func(ctx context.Context, isLog bool, lines [][]byte) ([][]byte, error)

// Tamper has events that come in from now on changed, nil ends that.
func (p *Proxy) Tamper(events Events) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = events
}

func (p *Proxy) tampering() Events {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.events
}

// pass lets the events of an answer through Events.
func (p *Proxy) pass(response *http.Response) error {
	if !strings.HasSuffix(response.Request.URL.Path, "/events") || response.StatusCode != http.StatusOK {
		return nil
	}
	reader, writer := io.Pipe()
	upstream, ctx := response.Body, response.Request.Context()
	isLog := response.Request.URL.Query().Has("until")
	go func() {
		defer upstream.Close()
		writer.CloseWithError(p.forward(ctx, upstream, isLog, writer))
	}()
	response.Body = reader
	return nil
}

// forward writes events until they end, or nobody reads them.
func (p *Proxy) forward(ctx context.Context, from io.Reader, isLog bool, to io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lines, ended := make(chan []byte, arriving), make(chan error, 1)
	go func() {
		defer close(lines)
		ended <- eachLine(from, func(line []byte) error {
			select {
			case lines <- line:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	for line := range lines {
		batch := [][]byte{line}
		var problem error
		if events := p.tampering(); events != nil {
			batch = more(batch, lines, isLog)
			batch, problem = events(ctx, isLog, batch)
		}
		for _, line := range batch {
			if _, err := to.Write(line); err != nil {
				return err
			}
		}
		if problem != nil {
			return problem
		}
	}
	return <-ended
}

// more adds the lines that come within a while, of a log all.
func more(batch [][]byte, lines <-chan []byte, isLog bool) [][]byte {
	timer := time.NewTimer(gather)
	defer timer.Stop()
	timeout := timer.C
	if isLog {
		timeout = nil
	}
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				return batch
			}
			batch = append(batch, line)
		case <-timeout:
			return batch
		}
	}
}

func eachLine(from io.Reader, each func([]byte) error) error {
	reader := bufio.NewReader(from)
	for {
		line, err := reader.ReadBytes('\n')
		if len(line) > 0 {
			if err := each(line); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
