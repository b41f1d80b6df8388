// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package source

import "context"

// Sink receives the changes of one kind. Only Resync waits for Docker.
type Sink interface {
	// MarkDirty has the subject observed soon, at least once after the call.
	MarkDirty(subject string)

	// MarkAllDirty has the subjects listed again soon. It has those observed that came or went.
	MarkAllDirty()

	// Resync lists and observes every subject. It returns when the store holds all of them.
	Resync(ctx context.Context) error

	// SetUnavailable makes reads and writes fail with err until the next Resync.
	SetUnavailable(err error)
}
