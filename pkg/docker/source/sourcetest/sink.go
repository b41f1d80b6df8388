// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package sourcetest

import "context"

// All is how Sink records that all subjects are dirty.
const All = "all"

// Sink records the subjects that a source marks. It does nothing else.
type Sink struct{ Marked []string }

// MarkDirty records the subject.
func (s *Sink) MarkDirty(subject string) { s.Marked = append(s.Marked, subject) }

// MarkAllDirty records All.
func (s *Sink) MarkAllDirty() { s.Marked = append(s.Marked, All) }

// Resync does nothing.
func (s *Sink) Resync(context.Context) error { return nil }

// SetUnavailable does nothing.
func (s *Sink) SetUnavailable(error) {}
