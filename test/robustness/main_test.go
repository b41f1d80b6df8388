// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package robustness injects faults into the engine and the server while clients read, write and watch. Afterwards it checks
// everything that every client saw.
package robustness

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

var (
	duration = flag.Duration("duration", time.Minute, "how long the robustness run lasts")
	seed     = flag.Uint64("seed", uint64(time.Now().UnixNano()), "seed of the robustness run")
	only     = flag.String("failpoints", "", "regular expression that selects the failpoints of the robustness run by name")
	keep     = flag.String("histories", os.TempDir(), "directory in which a failed run keeps its histories")
)

// eng has a file system of its own for its data, so that a failpoint can fill it.
var eng *engine.Engine

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(engine.Main(m, &eng, engine.DataSize("1g")))
}
