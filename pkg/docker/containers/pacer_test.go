// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"
)

// shared is a stream that may be read and written at the same time.
type shared struct {
	mu   sync.Mutex
	data bytes.Buffer
}

func (s *shared) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.data.Read(p)
}

func (s *shared) WriteString(text string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.data.WriteString(text)
}

// readBy reads what has come, and returns it with the time that this took.
func (p *pacer) readBy(t *testing.T) (string, time.Duration) {
	t.Helper()
	begun := time.Now()
	buffer := make([]byte, 2*smallPiece)
	n, err := p.Read(buffer)
	if err != nil {
		t.Fatal(err)
	}
	return string(buffer[:n]), time.Since(begun)
}

func TestALineAfterSilenceIsReadAtOnceAndThoseThatFollowAreReadTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stream shared
		p := &pacer{Reader: &stream, ctx: t.Context(), clock: clock.RealClock{}}
		for range 2 {
			stream.WriteString("first\n")
			if got, took := p.readBy(t); got != "first\n" || took != 0 {
				t.Errorf("read %q after %v", got, took)
			}
			time.AfterFunc(pace/2, func() { _, _ = stream.WriteString("third\n") })
			stream.WriteString("second\n")
			if got, took := p.readBy(t); got != "second\nthird\n" || took != pace {
				t.Errorf("read %q after %v", got, took)
			}
			time.Sleep(time.Second)
		}
	})
}

func TestAStreamOfLargePiecesIsReadWithoutWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stream bytes.Buffer
		p := &pacer{Reader: &stream, ctx: t.Context(), clock: clock.RealClock{}}
		for range 2 {
			stream.Write(make([]byte, smallPiece))
			if got, took := p.readBy(t); len(got) != smallPiece || took != 0 {
				t.Errorf("read %d bytes after %v", len(got), took)
			}
		}
	})
}

func TestALogThatNobodyWaitsForEndsWithoutWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, leave := context.WithCancel(t.Context())
		p := &pacer{Reader: bytes.NewBufferString("line"), ctx: ctx, clock: clock.RealClock{}}
		p.readBy(t)
		leave()
		begun := time.Now()
		_, _ = p.Read(make([]byte, 1))
		if took := time.Since(begun); took != 0 {
			t.Errorf("the end took %v", took)
		}
	})
}
