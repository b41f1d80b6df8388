// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"context"
	"io"
	"time"

	"k8s.io/utils/clock"
)

const (
	// pace is how long what follows a small piece of a stream may wait for more.
	pace = time.Millisecond
	// smallPiece is the length of a piece that is worth waiting for more.
	smallPiece = 4 << 10
)

// pacer reads a stream in fewer pieces. Docker sends each line of a log by itself. If each line travelled to the client by
// itself, that would cost more than anything else, and slow down Docker on the same machine. A pacer reads the first line
// at once. Lines that follow within pace are read together.
type pacer struct {
	io.Reader
	ctx   context.Context
	clock clock.Clock
	small time.Time // when a small piece was read last
}

// Read implements io.Reader.
func (p *pacer) Read(b []byte) (int, error) {
	if rest := pace - p.clock.Since(p.small); rest > 0 {
		select {
		case <-p.clock.After(rest):
		case <-p.ctx.Done():
		}
	}
	n, err := p.Reader.Read(b)
	if n < smallPiece {
		p.small = p.clock.Now()
	}
	return n, err
}
