// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"os"
	"runtime"
	"sync"
)

// leaveProcessors limits the server to half of the processors, unless $GOMAXPROCS is set. The server mostly waits for
// the engine or for a client on the same machine. With all processors, the Go runtime wakes a thread to look for more
// work whenever one goroutine wakes another. That thread takes a processor that the engine was about to use.
var leaveProcessors = sync.OnceFunc(func() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(max(1, runtime.GOMAXPROCS(0)/2))
	}
})
