// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package requests

import (
	"context"
	"errors"
	"io"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

const (
	// maxRecord is how many bytes of lines a record keeps. The oldest lines make room for new ones.
	maxRecord = 64 << 10
	// lineCost is what a line costs beside its text.
	lineCost = 64
)

var (
	errDeleted  = errors.New("the request was deleted")
	errDeadline = failure{v1alpha1.RequestDeadlineExceeded, errors.New("it took longer than spec.activeDeadlineSeconds")}
)

// record keeps the lines that a run has said. It is bounded, and a reader that is slow holds up nobody.
type record struct {
	mu      sync.Mutex
	lines   []line
	newest  uint64 // the number of the newest line
	bytes   int
	closed  bool
	changed chan struct{} // closed and replaced when there is something new
}

type line struct {
	number uint64
	key    string
	text   []byte
}

func newRecord() *record { return &record{changed: make(chan struct{})} }

// add adds a line. It takes over the text.
func (r *record) add(key string, text []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(text)+lineCost > maxRecord || r.closed {
		return
	}
	if key != "" {
		for i := len(r.lines) - 1; i >= 0; i-- {
			if r.lines[i].key == key {
				r.bytes -= len(r.lines[i].text) + lineCost
				r.lines = append(r.lines[:i], r.lines[i+1:]...)
				break
			}
		}
	}
	r.newest++
	r.lines = append(r.lines, line{r.newest, key, text})
	r.bytes += len(text) + lineCost
	drop := 0
	for ; r.bytes > maxRecord; drop++ {
		r.bytes -= len(r.lines[drop].text) + lineCost
	}
	r.lines = r.lines[drop:]
	r.broadcastLocked()
}

// close ends the record.
func (r *record) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.broadcastLocked()
}

func (r *record) broadcastLocked() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// after returns the lines after one with a number, and the number of the last of them.
func (r *record) after(number uint64) (texts [][]byte, last uint64, closed bool, changed <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.lines {
		if l.number > number {
			texts = append(texts, l.text)
		}
	}
	return texts, r.newest, r.closed, r.changed
}

// Log is a reader of what a request's job has said.
type Log struct {
	request *request
	follow  bool
	read    uint64
}

// Log returns the log of the request with that subject. With follow it lasts until the request ends.
func (s *Source) Log(subject, name string, follow bool) (*Log, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.requests[subject]
	if r == nil {
		return nil, apierrors.NewNotFound(s.config.Resource, name)
	}
	return &Log{request: r, follow: follow}, nil
}

// Next waits for the next lines. It returns io.EOF after the last one, and another error if the request ended before
// its job did.
func (l *Log) Next(ctx context.Context) ([][]byte, error) {
	for {
		isEnded := false
		select {
		case <-l.request.ended:
			isEnded = true
		default:
		}
		lines, last, closed, changed := l.request.record.after(l.read)
		l.read = last
		switch {
		case len(lines) > 0:
			return lines, nil
		case isEnded && l.request.endError != nil:
			return nil, l.request.endError
		case closed, !l.follow:
			return nil, io.EOF
		}
		select {
		case <-changed:
		case <-l.request.ended:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
