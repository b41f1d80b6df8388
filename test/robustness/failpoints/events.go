// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package failpoints

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docker/docker/api/types/image"

	"github.com/rancher-sandbox/engine-apiserver/test/dockerproxy"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// hang makes the proxy answer no request. The recovery drops the connections, as if the hanging process had been killed.
func hang(_ context.Context, t *Target) (func() error, error) {
	t.Proxy.Fail(dockerproxy.Stall(func(*http.Request) bool { return true }))
	return func() error {
		t.Proxy.Fail(nil)
		t.Proxy.Drop()
		return nil
	}, nil
}

// tampering changes the events of event streams until the recovery. Reads of the event log stay as they are.
func (t *Target) tampering(stream func(context.Context, [][]byte) ([][]byte, error)) func() error {
	t.Proxy.Tamper(func(ctx context.Context, isLog bool, lines [][]byte) ([][]byte, error) {
		if isLog {
			return lines, nil
		}
		return stream(ctx, lines)
	})
	return func() error {
		t.Proxy.Tamper(nil)
		return nil
	}
}

// breakOff ends event streams in the middle of every fifth event.
func breakOff(_ context.Context, t *Target) (func() error, error) {
	var passed atomic.Int64
	return t.tampering(func(_ context.Context, lines [][]byte) ([][]byte, error) {
		if passed.Add(1)%5 != 0 {
			return lines, nil
		}
		last := len(lines) - 1
		lines[last] = lines[last][:len(lines[last])/2]
		return lines, errors.New("the connection is lost")
	}), nil
}

// lose drops every event.
func lose(_ context.Context, t *Target) (func() error, error) {
	return t.tampering(func(context.Context, [][]byte) ([][]byte, error) { return nil, nil }), nil
}

// disorder sends each event twice, and events that arrive together in random order.
func disorder(_ context.Context, t *Target) (func() error, error) {
	random := lockedRandom{random: rand.New(rand.NewPCG(t.Random.Uint64(), 0))}
	return t.tampering(func(_ context.Context, lines [][]byte) ([][]byte, error) {
		doubled := slices.Concat(lines, lines)
		random.shuffle(len(doubled), func(i, j int) { doubled[i], doubled[j] = doubled[j], doubled[i] })
		return doubled, nil
	}), nil
}

// lockedRandom is a random source that several streams can use at once.
type lockedRandom struct {
	mu     sync.Mutex
	random *rand.Rand
}

func (r *lockedRandom) shuffle(n int, swap func(i, j int)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.random.Shuffle(n, swap)
}

const (
	// burst is the number of events that fill all buffers between Docker and a reader that does not read.
	burst = 6000
	// burstTime bounds the time in which the events are made.
	burstTime = 30 * time.Second
	// delayed is the least time of a call while Docker waits for a slow reader, before it drops the event for that reader.
	delayed = 100 * time.Millisecond
	// delays is how many such calls prove that Docker drops events.
	delays = 8
)

// lag stops the server's event stream and then makes so many events that Docker drops some of them.
func lag(ctx context.Context, t *Target) (func() error, error) {
	released := make(chan struct{})
	untamper := t.tampering(func(ctx context.Context, lines [][]byte) ([][]byte, error) {
		select {
		case <-released:
		case <-ctx.Done():
		}
		return lines, nil
	})
	recover := func() error {
		close(released)
		return untamper()
	}
	tag := engine.UniqueName(t.Prefix+"-burst") + ":latest"
	began, slow := time.Now(), 0
	for made := 0; made < burst && slow < delays && time.Since(began) < burstTime && ctx.Err() == nil; made++ {
		call := time.Now()
		if err := t.Engine.Client().ImageTag(ctx, engine.Busybox, tag); err != nil { // raises an event even if the tag exists
			return nil, errors.Join(err, recover())
		}
		if time.Since(call) >= delayed {
			slow++
		}
	}
	return func() error {
		ctx, cancel := context.WithTimeout(context.Background(), recovery)
		defer cancel()
		_, err := t.Engine.Client().ImageRemove(ctx, tag, image.RemoveOptions{})
		return errors.Join(recover(), err)
	}, nil
}
