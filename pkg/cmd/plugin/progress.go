// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/docker/go-units"
	"k8s.io/utils/clock"
)

const (
	// progressInterval is how often the line of a progress changes at most.
	progressInterval = 100 * time.Millisecond
	// clearLine moves the cursor to the beginning of the line, and clears the line.
	clearLine = "\r\x1b[K"
)

// progress counts what is written to it, and shows the sum on one line of a terminal. It shows nothing without out.
type progress struct {
	out    io.Writer
	header string
	clock  clock.PassiveClock
	size   atomic.Int64
	shown  time.Time
}

// Write implements io.Writer.
func (p *progress) Write(copied []byte) (int, error) {
	size := p.size.Add(int64(len(copied)))
	if now := p.clock.Now(); p.out != nil && now.Sub(p.shown) >= progressInterval {
		p.shown = now
		fmt.Fprint(p.out, clearLine, p.header, units.HumanSizeWithPrecision(float64(size), sizeDigits))
	}
	return len(copied), nil
}

// end takes the line away. Nothing must be written afterwards.
func (p *progress) end() {
	if !p.shown.IsZero() {
		fmt.Fprint(p.out, clearLine)
	}
}
