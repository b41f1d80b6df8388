// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streaming

import (
	"encoding/json"
	"io"

	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
)

// TerminalSize is the size of a terminal in characters.
type TerminalSize = remotecommand.TerminalSize

// resizes has the newest size that a client sent and nobody has received yet.
type resizes chan TerminalSize

func newResizes() resizes { return make(resizes, 1) }

// decode takes sizes from r until r ends or sends something that is no size. Only one goroutine at a time calls it.
func (c resizes) decode(r io.Reader) {
	for decoder := json.NewDecoder(r); ; {
		var size TerminalSize
		if decoder.Decode(&size) != nil {
			return
		}
		c.put(size)
	}
}

// put replaces the size that nobody has received. A terminal without width and height is no terminal yet.
func (c resizes) put(size TerminalSize) {
	if size.Width == 0 || size.Height == 0 {
		return
	}
	select {
	case <-c:
	default:
	}
	c <- size
}
