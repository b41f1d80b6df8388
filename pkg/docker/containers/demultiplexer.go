// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/docker/docker/pkg/stdcopy"
)

const (
	// frameHeader is the length of the header of a frame: a byte for the stream, three zeros, and the length of the rest.
	frameHeader = 8
	// demultiplexerBuffer is how much is read ahead of the reader.
	demultiplexerBuffer = 64 << 10
	// splitBuffer is how much split reads ahead of the frame that it copies.
	splitBuffer = 4 << 10
	// maxMessage bounds the text of an error that Docker puts into the stream.
	maxMessage = 4096
)

// demultiplexer reads the text of both outputs out of Docker's multiplexed stream, in the order of the stream. A Read
// returns all that has come, up to the length of its buffer, and waits only if nothing has come. It ends with io.EOF
// only if the stream ends between two frames. stdcopy cannot be used here: it writes each line by itself.
type demultiplexer struct {
	stream *bufio.Reader
	kind   stdcopy.StdType // of the current frame
	left   int             // of the current frame
}

func newDemultiplexer(stream io.Reader) *demultiplexer {
	return &demultiplexer{stream: bufio.NewReaderSize(stream, demultiplexerBuffer)}
}

// Read implements io.Reader.
func (d *demultiplexer) Read(p []byte) (n int, err error) {
	for n < len(p) {
		needed := 1
		if d.left == 0 {
			needed = frameHeader
		}
		if n > 0 && d.stream.Buffered() < needed {
			return n, nil
		}
		if d.left == 0 {
			if err := d.next(); err != nil {
				return n, err
			}
			continue
		}
		read, err := d.stream.Read(p[n:min(len(p), n+d.left)])
		n += read
		d.left -= read
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// next reads the header of the next frame. Docker reports an error of its own as a frame of a third stream.
func (d *demultiplexer) next() error {
	var header [frameHeader]byte
	if _, err := io.ReadFull(d.stream, header[:]); err != nil {
		return err
	}
	d.left = int(binary.BigEndian.Uint32(header[4:]))
	d.kind = stdcopy.StdType(header[0])
	switch d.kind {
	case stdcopy.Stdin, stdcopy.Stdout, stdcopy.Stderr:
		return nil
	case stdcopy.Systemerr:
		message, err := io.ReadAll(io.LimitReader(d.stream, int64(min(d.left, maxMessage))))
		if err != nil {
			return err
		}
		return fmt.Errorf("the engine could not go on: %s", strings.TrimSpace(string(message)))
	default:
		return fmt.Errorf("the stream of the engine has a frame of the unknown kind %d", header[0])
	}
}

// split copies Docker's multiplexed stream to two outputs. stdcopy cannot be used here: it takes a stream that is cut in the
// middle of a frame for one that has ended, and holds 32 KB while nothing comes.
func split(stdout, stderr io.Writer, stream io.Reader) error {
	d := &demultiplexer{stream: bufio.NewReaderSize(stream, splitBuffer)}
	outputs := map[stdcopy.StdType]io.Writer{stdcopy.Stdin: stdout, stdcopy.Stdout: stdout, stdcopy.Stderr: stderr}
	for {
		err := d.next()
		if err == nil {
			err = d.copyFrame(outputs[d.kind])
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// copyFrame copies the rest of the current frame.
func (d *demultiplexer) copyFrame(output io.Writer) error {
	_, err := io.CopyN(output, d.stream, int64(d.left))
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}
