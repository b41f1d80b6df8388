// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"os"
	"runtime"
	"testing"
)

// atFirst is GOMAXPROCS before any test starts a server.
var atFirst = runtime.GOMAXPROCS(0)

func TestTheServerLeavesHalfOfTheProcessorsToOthers(t *testing.T) {
	start(t)
	want := max(1, atFirst/2)
	if os.Getenv("GOMAXPROCS") != "" {
		want = atFirst
	}
	if got := runtime.GOMAXPROCS(0); got != want {
		t.Errorf("the server uses %d of %d processors, want %d", got, atFirst, want)
	}
}
