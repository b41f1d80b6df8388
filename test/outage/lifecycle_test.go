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

// Docker cannot inspect the container until the test ends. So if an answer comes at all, it does not wait for the container. The
// tests of pkg/livestore check how long a read waits before it goes on without an object. They use a fake clock.
func TestAContainerThatBlocksHoldsUpNoOther(t *testing.T) {
	blocked, other := engine.UniqueName("blocked"), engine.UniqueName("other")
	id := eng.Run(t, blocked)
	eng.Run(t, other)
	server := testserver.Start(t, eng.Host())
	archive, _, err := eng.Client().CopyFromContainer(t.Context(), id, "/bin")
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close() // Docker keeps the container locked while nobody reads the archive
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := eng.Client().ContainerInspect(ctx, id); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the container does not block: %v", err)
	}

	for range 3 {
		for _, path := range []string{"/containers/" + blocked, "/containers/" + other, "/containers", "/images", "/volumes"} {
			if got := get(t, server, namespace+path); got.code != http.StatusOK {
				t.Errorf("%s: %d: %.300s", path, got.code, got.body)
			}
		}
	}
	if got := ask(t, server, http.MethodPatch, namespace+"/containers/"+other, `{"spec":{"state":"paused"}}`); got.code != http.StatusOK {
		t.Errorf("pausing the other: %d: %s", got.code, got.body)
	}
	eng.Create(t, engine.UniqueName("new"))
	if got := get(t, server, namespace+"/containers"); got.code != http.StatusOK {
		t.Errorf("a list after a change: %d", got.code)
	}
}

// The watches stay open. So if the server ends at all, it does not wait for its clients.
func TestAServerEndsWithOpenWatchesAndLeavesNothing(t *testing.T) {
	// The first server of a process starts goroutines that later servers use too. They must not count as a leak.
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
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	eventually(t, func() error {
		if now := runtime.NumGoroutine(); now > before {
			stacks := make([]byte, 1<<20)
			return fmt.Errorf("%d goroutines, %d before:\n%s", now, before, stacks[:runtime.Stack(stacks, true)])
		}
		return nil
	})
}

// settledGoroutines returns the smallest number of goroutines in a period of two seconds. Goroutines that are about to end have
// ended by then.
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

func TestAServerWithoutAnEngineEnds(t *testing.T) {
	socket := newSocket(t)
	server, err := testserver.RunUnread(t.TempDir(), socket.host())
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Stop(); err != nil {
		t.Error(err)
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
