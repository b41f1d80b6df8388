// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streaming

import (
	"bytes"
	"net"
	"testing"
)

// writes is a connection that notes what each write has sent.
type writes struct {
	net.Conn
	all [][]byte
}

func (w *writes) Write(p []byte) (int, error) {
	w.all = append(w.all, bytes.Clone(p))
	return len(p), nil
}

// frame returns a SPDY data frame.
func frame(length int) []byte {
	header := []byte{0, 0, 0, 1, 0, byte(length >> 16), byte(length >> 8), byte(length)}
	return append(header, bytes.Repeat([]byte("x"), length)...)
}

func TestAFrameThatIsWrittenInPiecesIsSentAtOnce(t *testing.T) {
	for _, length := range []int{0, 1, chunk} {
		conn := &writes{}
		framed := &framedConn{Conn: conn}
		whole := frame(length)
		for range 2 {
			for piece := range bytes.SplitAfterSeq(whole, []byte{0}) {
				if n, err := framed.Write(piece); n != len(piece) || err != nil {
					t.Fatal(n, err)
				}
			}
		}
		if len(conn.all) != 2 || !bytes.Equal(conn.all[0], whole) || !bytes.Equal(conn.all[1], whole) {
			t.Errorf("two frames of %d bytes were sent in %d writes", length, len(conn.all))
		}
	}
}

func TestAFrameThatIsLongerThanAnyOfAStreamIsNotHeld(t *testing.T) {
	conn := &writes{}
	framed := &framedConn{Conn: conn}
	whole := frame(3 * heldLimit)
	for _, piece := range [][]byte{whole[:heldLimit+1], whole[heldLimit+1:]} {
		if _, err := framed.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	if len(conn.all) != 2 || framed.held != nil || !bytes.Equal(bytes.Join(conn.all, nil), whole) {
		t.Errorf("a long frame was sent in %d writes", len(conn.all))
	}
}
