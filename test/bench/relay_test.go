// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// startRelay starts what passes on the engine's words and does nothing else, with the server's certificate and its client. The
// returned function ends it.
func (s *setting) startRelay() (relay *cluster, stop func()) {
	s.Helper()
	program := filepath.Join(s.TempDir(), "relay")
	if output, err := exec.CommandContext(s.Context(), "go", "build", "-o", program, "./relay").CombinedOutput(); err != nil {
		s.Fatalf("building the relay: %v\n%s", err, output)
	}
	address := "127.0.0.1:" + strconv.Itoa(freePort(s))
	certificate := filepath.Join(s.stateDir, "serving.pem")
	command := exec.Command(program, strings.TrimPrefix(s.engine.Host(), "unix://"), address, certificate)
	command.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", max(1, runtime.NumCPU()/2))) // as the server has it
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		s.Fatal(err)
	}
	relay = &cluster{endpoint: endpoint{s.server.newClient(s), "https://" + address}, pids: []int{command.Process.Pid}}
	await(s, func() error { return relay.get(s.Context(), "/_ping") })
	return relay, func() {
		relay.client.CloseIdleConnections()
		_ = command.Process.Kill()
		_ = command.Wait() // which says that it was killed
	}
}

// instead has the relay in the server's place, which is started again afterwards.
func (s *setting) instead(measure func(relay *cluster)) {
	relay, stop := s.startRelay()
	s.server.stop(s)
	measure(relay)
	stop()
	s.launch()
}

// changesRelayed times how long after its call a change is seen, with nothing between but the relay.
func (s *setting) changesRelayed() {
	s.instead(func(relay *cluster) {
		s.changesSeen(relayed, (s.changes+1)/2, func(ctx context.Context) *sightings {
			seen := newSightings()
			relay.followAt(ctx, s, "/?watch", func(line []byte, at time.Time) {
				about, _, found := bytes.Cut(line, []byte(`,"object":`))
				if !found {
					return // the rest of a long one
				}
				var change struct{ Kind, Action, Name string }
				if err := json.Unmarshal(append(about, '}'), &change); err != nil {
					s.Errorf("the relay says %q: %v", about, err)
				}
				if change.Kind == "volume" {
					change.Action = "volume " + change.Action
				}
				seen.addAt(change.Name, change.Action, at)
			})
			return seen
		})
	})
}
