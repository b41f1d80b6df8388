// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import "sync/atomic"

// Versions is the resourceVersion counter of a server. All its stores share it. A store takes a new version only while
// it holds its lock. A version that is read under that lock therefore covers every change of the store up to it.
type Versions struct {
	current atomic.Uint64
}

// NewVersions returns a counter that stands at seed. The seed should be the wall clock in microseconds. It is then
// above every version of an earlier run that made fewer than a million changes a second.
func NewVersions(seed uint64) *Versions {
	v := &Versions{}
	v.current.Store(seed)
	return v
}

// Current returns the newest version.
func (v *Versions) Current() uint64 { return v.current.Load() }

// Next returns a new version.
func (v *Versions) Next() uint64 { return v.current.Add(1) }
