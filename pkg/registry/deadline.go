// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"time"
)

// answerTime is how much of a request's time is kept for its answer, at most.
const answerTime = time.Second

// withTimeToAnswer returns a context that ends a little before the request does. When a request runs out of time, the
// generic API server breaks the connection if part of an answer is already written. The storage must therefore give up
// and answer before that.
func withTimeToAnswer(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-min(answerTime, time.Until(deadline)/4)))
}
