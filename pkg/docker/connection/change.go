// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package connection

import (
	"context"
	"errors"
	"net/http/httptrace"
	"sync/atomic"
)

// mayBeDone ends the message of an unanswered error.
const mayBeDone = ". The request was sent, so Docker may have carried it out. Get the object before you ask again"

// unanswered is the error of a change whose request was sent and whose answer was lost. Docker may have made the change.
type unanswered struct{ error }

func (u unanswered) Unwrap() error { return u.error }

func isUnanswered(err error) bool { return errors.As(err, new(unanswered)) }

// Change sends a request that changes something. It returns an unanswered error if the request was sent and its answer
// was lost.
func Change(ctx context.Context, send func(context.Context) error) error {
	var isSent atomic.Bool
	err := send(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { isSent.Store(true) }}))
	isLost := isConnectionLost(err) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
	if isSent.Load() && isLost {
		return unanswered{err}
	}
	return err
}
