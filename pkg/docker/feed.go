// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"encoding/json"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

const (
	// remembered is how many events the feed remembers. An engine's log holds 256.
	remembered = 4096
	// wrapped is the length from which a log may have lost events at its beginning. Engines keep 256 events, but do not
	// send all of them to old clients.
	wrapped = 128
	// oldest is how many events at the beginning of a log must be known. If one of them is new, other new events may
	// have been lost before it. One known event is not enough, because the log and the stream may differ a little in
	// their order.
	oldest = 32
	// disorder is the longest time between two events that the log and the stream show in a different order. settled is
	// the age of an event after which no event can still be put before it.
	disorder = time.Second
	settled  = 2 * time.Second
)

// tally counts the events with the same text: how often they were applied, and how often the stream brought them.
type tally struct{ applied, streamed int }

// feed applies each event once, no matter whether the stream or the log shows it first.
type feed struct {
	apply func(source.Event)
	seed  maphash.Seed

	mu       sync.Mutex
	tallies  map[uint64]*tally
	order    []uint64
	next     int
	anchor   anchor
	received bool           // the stream has brought an event
	missing  map[uint64]int // events that the stream must bring before caughtUp is closed
	caughtUp chan struct{}
}

// anchor is the event that was applied last. A part of the log that contains the anchor is complete from there on.
type anchor struct {
	hash  uint64
	nano  int64
	known time.Time
}

func newFeed(apply func(source.Event)) *feed {
	return &feed{apply: apply, seed: maphash.MakeSeed(), tallies: make(map[uint64]*tally, remembered)}
}

// streamed takes in one event from the stream.
func (f *feed) streamed(line []byte) error {
	hash := maphash.Bytes(f.seed, line)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.received = true
	t := f.tallyOf(hash)
	t.streamed++
	if t.streamed > t.applied {
		t.applied = t.streamed
		if err := f.applyLine(hash, line); err != nil {
			return err
		}
	}
	if f.missing[hash] > 0 {
		f.missing[hash]--
		if f.missing[hash] == 0 {
			delete(f.missing, hash)
		}
		if len(f.missing) == 0 {
			close(f.caughtUp)
			f.missing = nil
		}
	}
	return nil
}

// logged takes in the event log, or the end of it. The log may have lost events that the stream has not brought yet. In
// that case logged returns a channel that is closed when the stream has brought all events of the log.
func (f *feed) logged(lines [][]byte) (<-chan struct{}, error) {
	hashes := make([]uint64, len(lines))
	for i, line := range lines {
		hashes[i] = maphash.Bytes(f.seed, line)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	counts := make(map[uint64]int, len(lines))
	behind := false
	for i, line := range lines {
		counts[hashes[i]]++
		t := f.tallyOf(hashes[i])
		if counts[hashes[i]] <= t.applied {
			continue
		}
		behind = behind || len(lines) >= wrapped && i < oldest
		t.applied++
		if err := f.applyLine(hashes[i], line); err != nil {
			return nil, err
		}
	}
	if !behind {
		return nil, nil
	}
	f.missing = map[uint64]int{}
	for hash, count := range counts {
		if streamed := f.tallyOf(hash).streamed; streamed < count {
			f.missing[hash] = count - streamed
		}
	}
	if len(f.missing) == 0 {
		return nil, nil
	}
	f.caughtUp = make(chan struct{})
	return f.caughtUp, nil
}

// hasReceived reports whether the stream has brought an event.
func (f *feed) hasReceived() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.received
}

func (f *feed) applyLine(hash uint64, line []byte) error {
	var ev source.Event
	if err := json.Unmarshal(line, &ev); err != nil {
		return fmt.Errorf("reading an event: %w", err)
	}
	f.anchor = anchor{hash: hash, nano: ev.TimeNano, known: time.Now()}
	f.apply(ev)
	return nil
}

// since returns the anchor, and the time from which the log must be read. The time is in nanoseconds of the engine's
// clock. ok is false if there is no anchor yet.
func (f *feed) since() (a anchor, nano int64, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a = f.anchor
	nano = a.nano - int64(time.Microsecond) // some engines round the time
	if time.Since(a.known) < settled {
		nano -= int64(disorder)
	}
	return a, nano, a.nano > 0
}

// has reports whether the lines contain the anchor.
func (f *feed) has(a anchor, lines [][]byte) bool {
	return slices.ContainsFunc(lines, func(line []byte) bool { return maphash.Bytes(f.seed, line) == a.hash })
}

// tallyOf returns the tally of an event. If there is none, it makes one. It forgets the oldest tally when there are too
// many.
func (f *feed) tallyOf(hash uint64) *tally {
	if t := f.tallies[hash]; t != nil {
		return t
	}
	t := &tally{}
	f.tallies[hash] = t
	if len(f.order) < remembered {
		f.order = append(f.order, hash)
		return t
	}
	delete(f.tallies, f.order[f.next])
	f.order[f.next] = hash
	f.next = (f.next + 1) % remembered
	return t
}
