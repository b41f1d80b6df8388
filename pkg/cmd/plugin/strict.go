// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// strictReader is an input whose failure ends the session. The library would take it for the end of the input.
type strictReader struct {
	io.Reader
	end context.CancelCauseFunc
}

// Read implements io.Reader. After a failure it does not return: the server would see the end of the input.
func (r strictReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.end(fmt.Errorf("reading the input: %w", err))
		select {}
	}
	return n, err
}

// strictWriter is an output whose failure ends the session. The library would drop what comes after it.
type strictWriter struct {
	io.Writer
	end context.CancelCauseFunc
}

// Write implements io.Writer.
func (w strictWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if err != nil {
		w.end(fmt.Errorf("writing the output: %w", err))
	}
	return n, err
}
