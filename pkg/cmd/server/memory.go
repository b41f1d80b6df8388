// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"os"
	"runtime/debug"
	"time"
)

const (
	// gcPercent is lower than Go's default, to save memory. The extra computing is small, because the server holds
	// little and is idle most of the time.
	gcPercent = 50
	// startGCPercent is lower still: garbage of the start scatters the live objects over more memory for good.
	startGCPercent = 15
	// startTime is the time after which the start counts as over, even if the engine has not answered.
	startTime = 10 * time.Second
)

// tuneMemory keeps garbage small from the beginning. When the start is over, it returns the memory that only the start
// needed. More garbage during the start would save time, but it would scatter the live objects over more memory for
// good. If the user has set GOGC, tuneMemory does nothing.
func tuneMemory(ctx context.Context, started <-chan struct{}) {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(startGCPercent)
	defer debug.SetGCPercent(gcPercent)
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	select {
	case <-started:
	case <-ctx.Done():
	}
	debug.FreeOSMemory()
}
