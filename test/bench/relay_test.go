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

// startRelay starts the relay with the server's certificate, and returns an endpoint with a client like the server's. stop ends
// the relay.
func (s *setting) startRelay() (relay *cluster, stop func()) {
	s.Helper()
	program := filepath.Join(s.TempDir(), "relay")
	if output, err := exec.CommandContext(s.Context(), "go", "build", "-o", program, "./relay").CombinedOutput(); err != nil {
		s.Fatalf("building the relay: %v\n%s", err, output)
	}
	address := "127.0.0.1:" + strconv.Itoa(freePort(s))
	certificate := filepath.Join(s.stateDir, "serving.pem")
	command := exec.Command(program, strings.TrimPrefix(s.engine.Host(), "unix://"), address, certificate)
	command.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", max(1, runtime.NumCPU()/2))) // like the server
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		s.Fatal(err)
	}
	relay = &cluster{endpoint: endpoint{s.server.newClient(s), "https://" + address}, pids: []int{command.Process.Pid}}
	await(s, func() error { return relay.get(s.Context(), "/_ping") })
	return relay, func() {
		relay.client.CloseIdleConnections()
		_ = command.Process.Kill()
		_ = command.Wait() // reports only that the relay was killed
	}
}

// instead stops the server, measures the relay, and starts the server again.
func (s *setting) instead(measure func(relay *cluster)) {
	relay, stop := s.startRelay()
	s.server.stop(s)
	measure(relay)
	stop()
	s.launch()
}

// changesRelayed measures the time from the return of a call until a client of the relay sees the change.
func (s *setting) changesRelayed() {
	s.instead(func(relay *cluster) {
		s.changesSeen(relayed, (s.changes+1)/2, func(ctx context.Context) *sightings {
			seen := newSightings()
			relay.followAt(ctx, s, "/?watch", func(line []byte, at time.Time) {
				about, _, found := bytes.Cut(line, []byte(`,"object":`))
				if !found {
					return // the rest of a line that is longer than the buffer
				}
				var change struct{ Kind, Action, Name string }
				if err := json.Unmarshal(append(about, '}'), &change); err != nil {
					s.Errorf("decoding %q of the relay: %v", about, err)
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
