// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package outage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

func TestAContainerThatBlocksHoldsUpNoOther(t *testing.T) {
	blocked, other := engine.UniqueName("blocked"), engine.UniqueName("other")
	id := eng.Run(t, blocked)
	eng.Run(t, other)
	server := testserver.Start(t, eng.Host())
	archive, _, err := eng.Client().CopyFromContainer(t.Context(), id, "/bin")
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close() // not read before
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := eng.Client().ContainerInspect(ctx, id); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the container does not block: %v", err)
	}

	for range 3 {
		for _, path := range []string{"/containers/" + blocked, "/containers/" + other, "/containers", "/images", "/volumes"} {
			got := get(t, server, namespace+path)
			if got.code != http.StatusOK || got.took > 2500*time.Millisecond {
				t.Errorf("%s: %d after %v: %.300s", path, got.code, got.took, got.body)
			}
		}
	}
	for _, path := range []string{"/containers/" + other, "/containers"} {
		if got := get(t, server, namespace+path); got.took > time.Second {
			t.Errorf("%s took %v though the blocked container is known to be", path, got.took)
		}
	}
	if got := ask(t, server, http.MethodPatch, namespace+"/containers/"+other, `{"spec":{"state":"paused"}}`); got.code != http.StatusOK || got.took > 2*time.Second {
		t.Errorf("pausing the other: %d after %v: %s", got.code, got.took, got.body)
	}
	eng.Create(t, engine.UniqueName("new"))
	if got := get(t, server, namespace+"/containers"); got.code != http.StatusOK || got.took > 2*time.Second {
		t.Errorf("a list after a change: %d after %v", got.code, got.took)
	}
}

func TestAServerEndsFastAndLeavesNothing(t *testing.T) {
	// What the first server of a process starts for all of them is no leftover of one.
	first, err := testserver.Run(t.TempDir(), eng.Host())
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	before := settledGoroutines()

	server, err := testserver.Run(t.TempDir(), eng.Host())
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		open(t, server)
	}
	begin := time.Now()
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("the server took %v to end", took)
	}
	eventually(t, 30*time.Second, func() error {
		if now := runtime.NumGoroutine(); now > before {
			stacks := make([]byte, 1<<20)
			return fmt.Errorf("%d goroutines, %d before:\n%s", now, before, stacks[:runtime.Stack(stacks, true)])
		}
		return nil
	})
}

// settledGoroutines is how many goroutines there are once those that are ending have ended.
func settledGoroutines() int {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	fewest := runtime.NumGoroutine()
	for range 100 {
		<-tick.C
		fewest = min(fewest, runtime.NumGoroutine())
	}
	return fewest
}

func TestAServerWithoutAnEngineEndsFast(t *testing.T) {
	socket := newSocket(t)
	server, err := testserver.Run(t.TempDir(), socket.host())
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("the server took %v to end", took)
	}
}

func TestSecretsAreTheUsersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	server, err := testserver.Run(dir, eng.Host())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	files := 0
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if entry.IsDir() {
			want = 0o700
		} else {
			files++
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %o", path, info.Mode().Perm())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 3 {
		t.Errorf("%d files in the state directory", files)
	}
}
