// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package refusals

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/streaming/pkg/httpstream"
)

// reading is a dialer and a connection whose streams only read from a reader.
type reading struct {
	httpstream.Connection
	httpstream.Stream
	from io.Reader
}

func (r reading) Dial(...string) (httpstream.Connection, string, error) { return r, "protocol", nil }

func (r reading) CreateStream(http.Header) (httpstream.Stream, error) { return r, nil }

func (r reading) Read(p []byte) (int, error) { return r.from.Read(p) }

func (r reading) Close() error { return nil }

func TestOnlyWhyASingleConnectionWasNotMadeIsTakenOut(t *testing.T) {
	const prefix = "error forwarding port 9 to pod web, uid : "
	for _, test := range []struct {
		kind, text, told, passed string
	}{
		{corev1.StreamTypeError, prefix + "cannot connect to the port: nothing listens on it", "9: nothing listens on it", ""},
		{corev1.StreamTypeError, prefix + "the server is stopping", "", prefix + "the server is stopping"},
		{corev1.StreamTypeError, "", "", ""},
		{corev1.StreamTypeData, "cannot connect to the port: x", "", "cannot connect to the port: x"},
	} {
		for _, end := range []error{nil, io.ErrUnexpectedEOF} {
			var source io.Reader = strings.NewReader(test.text)
			if end != nil {
				source = io.MultiReader(source, iotest.ErrReader(end))
			}
			told := ""
			dialer := Dialer{reading{from: source}, func(port, reason string) { told += port + ": " + reason }}
			conn, _, err := dialer.Dial()
			if err != nil {
				t.Fatal(err)
			}
			headers := http.Header{}
			headers.Set(corev1.StreamType, test.kind)
			headers.Set(corev1.PortHeader, "9")
			stream, err := conn.CreateStream(headers)
			if err != nil {
				t.Fatal(err)
			}
			passed, err := io.ReadAll(iotest.OneByteReader(stream))
			if string(passed) != test.passed || told != test.told || err != end {
				t.Errorf("%q: %q is told, and %q is passed on with %v", test.text, told, passed, err)
			}
		}
	}
}
