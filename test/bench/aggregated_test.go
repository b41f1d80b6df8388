// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"os/exec"
	"strconv"
)

// startAggregated starts a second server behind the control plane.
func (s *setting) startAggregated() {
	dir, port := s.TempDir(), freePort(s)
	s.behind = launch(s, s.program, s.engine.Host(), dir, port, "--aggregated", "--kubeconfig", s.plane.Admin())
	register := exec.CommandContext(s.Context(), s.program, "register", "--kubeconfig", s.plane.Admin(), "--state-dir", dir,
		"--address", "localhost:"+strconv.Itoa(port), "--timeout", patience.String())
	if output, err := register.CombinedOutput(); err != nil {
		s.Fatalf("registering the server: %v\n%s", err, output)
	}
	var err error
	if s.behind.cluster, err = newCluster(s.plane.Admin(), ourGroup, s.behind.command.Process.Pid); err != nil {
		s.Fatal(err)
	}
	s.behind.synced(s)
}

// stopAggregated stops the second server, so that only the standalone server uses the engine.
func (s *setting) stopAggregated() { s.behind.stop(s) }
