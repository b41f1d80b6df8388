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

// hang has the proxy answer nothing. In the end it is as if what hung had been killed.
func hang(_ context.Context, t *Target) (func() error, error) {
	t.Proxy.Fail(dockerproxy.Stall(func(*http.Request) bool { return true }))
	return func() error {
		t.Proxy.Fail(nil)
		t.Proxy.Drop()
		return nil
	}, nil
}

// tampering has the events of streams changed until the recovery. The log stays as it is.
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

// breakOff ends streams half way through an event, each after a few.
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

// lose has no event come through.
func lose(_ context.Context, t *Target) (func() error, error) {
	return t.tampering(func(context.Context, [][]byte) ([][]byte, error) { return nil, nil }), nil
}

// disorder has each event come twice, and neighbours in any order.
func disorder(_ context.Context, t *Target) (func() error, error) {
	random := lockedRandom{random: rand.New(rand.NewPCG(t.Random.Uint64(), 0))}
	return t.tampering(func(_ context.Context, lines [][]byte) ([][]byte, error) {
		doubled := slices.Concat(lines, lines)
		random.shuffle(len(doubled), func(i, j int) { doubled[i], doubled[j] = doubled[j], doubled[i] })
		return doubled, nil
	}), nil
}

// lockedRandom can be used by several streams.
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
	// burst is how many events fill all that lies between Docker and a reader that does not read.
	burst = 6000
	// burstTime bounds the making of them.
	burstTime = 30 * time.Second
	// delayed is how long a call takes at least when Docker waits for a reader and then drops what it does not take.
	delayed = 100 * time.Millisecond
	// delays is how many such calls are enough.
	delays = 8
)

// lag has the server's stream come to a halt, and then so much happen that Docker drops some of it.
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
		if err := t.Engine.Client().ImageTag(ctx, engine.Busybox, tag); err != nil { // each raises an event, whether it changes something or not
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
