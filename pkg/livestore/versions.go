// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import "sync/atomic"

// Versions is the one resourceVersion counter of a server, shared by its stores. A store takes a version only while it
// holds its lock, so a version read under that lock covers every change of the store up to it.
type Versions struct {
	current atomic.Uint64
}

// NewVersions returns a counter that stands at seed. Seeded with the wall clock in microseconds, it starts above every
// version of an earlier run that made fewer than a million changes a second.
func NewVersions(seed uint64) *Versions {
	v := &Versions{}
	v.current.Store(seed)
	return v
}

// Current returns the newest version.
func (v *Versions) Current() uint64 { return v.current.Load() }

// Next returns a new version.
func (v *Versions) Next() uint64 { return v.current.Add(1) }
