// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package robustness kills, stalls and deceives the engine and the server while clients read, write and watch, and then goes
// through everything that every client saw.
package robustness

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

var (
	duration = flag.Duration("duration", time.Minute, "how long the robustness run goes on")
	seed     = flag.Uint64("seed", uint64(time.Now().UnixNano()), "the seed of the robustness run")
	only     = flag.String("failpoints", "", "a regular expression that chooses the failpoints of the robustness run")
	keep     = flag.String("histories", os.TempDir(), "where the histories of a failed run are kept")
)

// eng has a disk of its own, which can be filled.
var eng *engine.Engine

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(engine.Main(m, &eng, engine.DataSize("1g")))
}
