// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package requests

// Slots bound how many jobs run at a time in all sources that share them. Each job that runs has one of them.
type Slots chan struct{}

// NewSlots returns slots for at most so many jobs.
func NewSlots(most int) Slots { return make(Slots, most) }

// take takes a slot. It returns false if all are taken.
func (s Slots) take() bool {
	select {
	case s <- struct{}{}:
		return true
	default:
		return false
	}
}

// free gives a slot back.
func (s Slots) free() { <-s }
