// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import "context"

// Sink is what the changes of one kind are reported to. None of its methods but Resync waits for Docker.
type Sink interface {
	// MarkDirty has the subject observed soon, at least once from now on.
	MarkDirty(subject string)

	// MarkAllDirty has the subjects listed again soon, and those that came or went observed.
	MarkAllDirty()

	// Resync lists and observes every subject and returns when all of them are held.
	Resync(ctx context.Context) error

	// SetUnavailable makes reads and writes fail with err until the next Resync.
	SetUnavailable(err error)
}
