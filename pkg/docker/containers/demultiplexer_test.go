// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/docker/docker/pkg/stdcopy"
)

// multiplexed returns Docker's stream of texts. A text is written to the output that its first character names.
func multiplexed(t testing.TB, texts ...string) []byte {
	t.Helper()
	var stream bytes.Buffer
	outputs := map[byte]io.Writer{
		'o': stdcopy.NewStdWriter(&stream, stdcopy.Stdout),
		'e': stdcopy.NewStdWriter(&stream, stdcopy.Stderr),
		'!': stdcopy.NewStdWriter(&stream, stdcopy.Systemerr),
	}
	for _, text := range texts {
		if _, err := outputs[text[0]].Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	return stream.Bytes()
}

func TestBothOutputsAreReadInTheirOrder(t *testing.T) {
	long := strings.Repeat("o123456789", 20000)
	texts := []string{"out\n", "err\n", "o", "e\x00\x01\x02", long, "err"}
	stream, want := multiplexed(t, texts...), strings.Join(texts, "")
	for how, reader := range map[string]io.Reader{
		"at once":             bytes.NewReader(stream),
		"byte by byte":        iotest.OneByteReader(bytes.NewReader(stream)),
		"with an early error": iotest.DataErrReader(bytes.NewReader(stream)),
	} {
		got, err := io.ReadAll(newDemultiplexer(reader))
		if err != nil || string(got) != want {
			t.Errorf("%s: %d bytes, want %d: %v", how, len(got), len(want), err)
		}
		got, err = io.ReadAll(iotest.OneByteReader(newDemultiplexer(bytes.NewReader(stream))))
		if err != nil || string(got) != want {
			t.Errorf("read byte by byte: %d bytes, want %d: %v", len(got), len(want), err)
		}
	}
}

func TestWhatHasComeIsReadWithoutWaitingForMore(t *testing.T) {
	reader, writer := io.Pipe()
	defer reader.Close()
	demultiplexer := newDemultiplexer(reader)
	buffer := make([]byte, 1024)
	stream := multiplexed(t, "out\n", "err\n", "o-later\n")
	frames := len(stream) - 12 // a part of the last header comes, too
	for _, step := range []struct {
		comes []byte
		want  string
	}{{stream[:frames], "out\nerr\n"}, {stream[frames:], "o-later\n"}} {
		go func() { _, _ = writer.Write(step.comes) }()
		n, err := demultiplexer.Read(buffer)
		if err != nil || string(buffer[:n]) != step.want {
			t.Errorf("%q, want %q: %v", buffer[:n], step.want, err)
		}
	}
}

func TestAStreamThatEndsInsideAFrameIsNotComplete(t *testing.T) {
	stream := multiplexed(t, "out\n", "err\n")
	for length := range stream {
		got, err := io.ReadAll(newDemultiplexer(bytes.NewReader(stream[:length])))
		isWhole := length == 0 || length == frameHeader+4
		if isWhole != (err == nil) || !isWhole && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d of %d bytes: %q, %v", length, len(stream), got, err)
		}
	}
}

func TestAnErrorOfDockersInTheStreamIsAnError(t *testing.T) {
	got, err := io.ReadAll(newDemultiplexer(bytes.NewReader(multiplexed(t, "out\n", "!Error grabbing logs: no such file\n", "out\n"))))
	if string(got) != "out\n" || err == nil || !strings.Contains(err.Error(), "Error grabbing logs: no such file") {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := io.ReadAll(newDemultiplexer(strings.NewReader("plain text"))); err == nil {
		t.Error("a stream that is not multiplexed is read")
	}
}

// FuzzDemultiplexer promises that any stream either gives what stdcopy finds in it, or ends with an error.
func FuzzDemultiplexer(f *testing.F) {
	f.Add([]byte{})
	f.Add(multiplexed(f, "out\n", "err\n"))
	f.Add(multiplexed(f, "out\n", "!broken\n"))
	f.Add([]byte{1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 'x'})
	f.Fuzz(func(t *testing.T, stream []byte) {
		got, err := io.ReadAll(newDemultiplexer(bytes.NewReader(stream)))
		if err != nil || len(got) > len(stream) {
			return
		}
		var want bytes.Buffer
		if _, err := stdcopy.StdCopy(&want, &want, bytes.NewReader(stream)); err != nil || want.String() != string(got) {
			t.Errorf("%q: %q, want %q: %v", stream, got, want.String(), err)
		}
	})
}

func TestOutputsAreSplitWhole(t *testing.T) {
	long := strings.Repeat("o123456789", 20000)
	stream := multiplexed(t, "out\n", "err\n", long, "e", "o")
	for how, reader := range map[string]io.Reader{
		"at once":             bytes.NewReader(stream),
		"byte by byte":        iotest.OneByteReader(bytes.NewReader(stream)),
		"with an early error": iotest.DataErrReader(bytes.NewReader(stream)),
	} {
		var stdout, stderr strings.Builder
		if err := split(&stdout, &stderr, reader); err != nil || stdout.String() != "out\n"+long+"o" || stderr.String() != "err\ne" {
			t.Errorf("%s: %d and %d bytes: %v", how, stdout.Len(), stderr.Len(), err)
		}
	}
}

func TestOutputThatBreaksOffInTheMiddleOfAFrameIsNotComplete(t *testing.T) {
	stream := multiplexed(t, "out\n", "err\n")
	for cut := range len(stream) {
		err := split(io.Discard, io.Discard, bytes.NewReader(stream[:cut]))
		if between := cut%(len(stream)/2) == 0; between && err != nil || !between && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut after %d of %d bytes: %v", cut, len(stream), err)
		}
	}
	if err := split(io.Discard, io.Discard, bytes.NewReader(multiplexed(t, "out\n", "!oops"))); err == nil || !strings.Contains(err.Error(), "oops") {
		t.Errorf("an error of Docker's: %v", err)
	}
}
