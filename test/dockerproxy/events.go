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
	// gather is how long the proxy collects events of a stream before it calls Events.
	gather = 20 * time.Millisecond
	// arriving is how many events the proxy reads ahead.
	arriving = 64
)

// Events changes events before the proxy passes them on. lines has events that have just come on a stream, or all events of a read
// of the log. Each line ends with a newline. Events may block until ctx ends. If it returns an error, the proxy writes the returned
// events and then breaks off the answer, as if the connection were lost.
type Events func(ctx context.Context, isLog bool, lines [][]byte) ([][]byte, error)

// Tamper makes the proxy pass events through the function events from now on. If events is nil, the proxy no longer changes them.
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

// pass makes the events of an answer go through Events.
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

// forward writes events until they end or nobody reads them.
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

// more adds the lines of a stream that come within the time gather, or all lines of a log.
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
