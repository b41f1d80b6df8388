// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"os"
	"runtime"
	"sync"
)

// leaveProcessors has the server compute on half of the processors at most, unless $GOMAXPROCS says otherwise. It waits most of
// the time, and whatever it waits for comes from the engine or a client next to it: with all processors, each time that one
// goroutine wakes another the runtime wakes a thread to look for more work, on the processor that the engine was about to use.
var leaveProcessors = sync.OnceFunc(func() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(max(1, runtime.GOMAXPROCS(0)/2))
	}
})
