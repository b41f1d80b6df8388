// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"time"
)

// answerTime is the longest part of a request's time that is kept for its answer.
const answerTime = time.Second

// withTimeToAnswer returns a context that ends a little before the request does. The filter of the generic API server that
// ends requests breaks the connection if it finds an answer half written: what runs out of time must answer before.
func withTimeToAnswer(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-min(answerTime, time.Until(deadline)/4)))
}
