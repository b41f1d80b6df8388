// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// keepFor is the least time for which the encodings of an object are kept after a get or a list. A client that reads
// once often reads again soon.
const keepFor = 10 * time.Second

// keeper keeps encodings from the garbage collector, each for one to two times keepFor.
type keeper struct {
	clock clock.WithDelayedExecution

	mu            sync.Mutex
	newer, former []*encodings
	timer         clock.Timer // runs while something is kept
	stopped       bool
}

// keep keeps new encodings.
func (k *keeper) keep(made []*encodings) {
	if len(made) == 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stopped {
		return
	}
	k.newer = append(k.newer, made...)
	if k.timer == nil {
		k.timer = k.clock.AfterFunc(keepFor, k.age)
	}
}

// age releases the encodings that have been kept for keepFor or longer.
func (k *keeper) age() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.newer, k.former, k.timer = nil, k.newer, nil
	if len(k.former) > 0 && !k.stopped {
		k.timer = k.clock.AfterFunc(keepFor, k.age)
	}
}

// stop releases everything.
func (k *keeper) stop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.newer, k.former, k.stopped = nil, nil, true
	if k.timer != nil {
		k.timer.Stop()
	}
}
