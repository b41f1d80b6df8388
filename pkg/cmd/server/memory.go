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
	// gcPercent trades a little computing for memory: what the server holds is small, and it idles most of the time.
	gcPercent = 50
	// startTime is when a start counts as over though the engine has not answered.
	startTime = 10 * time.Second
)

// tuneMemory lets little garbage be, and gives back what the start has needed once it is over. More garbage during the start would
// save time, and leave what is kept scattered over more memory for good. Who has set GOGC has it his own way.
func tuneMemory(ctx context.Context, started <-chan struct{}) {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(gcPercent)
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	select {
	case <-started:
	case <-ctx.Done():
	}
	debug.FreeOSMemory()
}
