// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

const orphanEnv = "ENGINE_TEST_ORPHAN"

// orphan is a test process that never stops its engine.
func orphan() int {
	e, err := engine.Start()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := runStubborn(e); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(e.Dir())
	if os.Getenv(orphanEnv) == "panic" {
		panic("a test panics")
	}
	select {}
}

// runStubborn runs one container and a second one that it pauses, both on a network. Their environment names the engine's
// directory, so that leftovers finds their processes.
func runStubborn(e *engine.Engine) error {
	ctx := context.Background()
	options := network.CreateOptions{Options: map[string]string{"com.docker.network.bridge.name": bridgeOf(e.Dir())}}
	if _, err := e.Client().NetworkCreate(ctx, "stubborn", options); err != nil {
		return err
	}
	if _, err := startStubborn(ctx, e); err != nil {
		return err
	}
	id, err := startStubborn(ctx, e)
	if err != nil {
		return err
	}
	return e.Client().ContainerPause(ctx, id)
}

func startStubborn(ctx context.Context, e *engine.Engine) (string, error) {
	config, host := engine.Config(engine.Stubborn...), &container.HostConfig{}
	config.Env = []string{"IN=" + e.Dir()}
	engine.OnNetwork("stubborn")(config, host)
	created, err := e.Client().ContainerCreate(ctx, config, host, nil, nil, "")
	if err != nil {
		return "", err
	}
	return created.ID, e.Client().ContainerStart(ctx, created.ID, container.StartOptions{})
}

// bridgeOf returns the name of the bridge that runStubborn makes in the engine with this directory.
func bridgeOf(dir string) string { return fmt.Sprintf("br-%.6x", sha256.Sum256([]byte(dir))) }

// leftovers returns the processes, mounts, cgroups, bridges and files of an engine that still exist.
func leftovers(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	for _, pattern := range []string{dir, "/sys/fs/cgroup/*/" + filepath.Base(dir), "/sys/fs/cgroup/" + filepath.Base(dir), "/sys/class/net/" + bridgeOf(dir)} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, paths...)
	}
	for _, pattern := range []string{"/proc/[0-9]*/cmdline", "/proc/[0-9]*/environ", "/proc/[0-9]*/mountinfo", "/proc/[0-9]*/cgroup"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			// A process that cannot be read has ended in the meantime.
			if data, err := os.ReadFile(path); err == nil && strings.Contains(string(data), filepath.Base(dir)) {
				found = append(found, path)
			}
		}
	}
	return found
}

func TestStopLeavesNothing(t *testing.T) {
	e, err := engine.Start()
	if err != nil {
		t.Fatal(err)
	}
	if err := runStubborn(e); err != nil {
		t.Error(err)
	}
	if len(leftovers(t, e.Dir())) == 0 {
		t.Error("nothing is found of a running engine")
	}
	if err := e.Stop(); err != nil {
		t.Fatal(err)
	}
	if found := leftovers(t, e.Dir()); len(found) > 0 {
		t.Errorf("left: %v", found)
	}
}

func TestEndOfTheTestProcessLeavesNothing(t *testing.T) {
	for _, how := range []string{"panic", syscall.SIGKILL.String(), syscall.SIGTERM.String(), syscall.SIGINT.String()} {
		t.Run(how, func(t *testing.T) {
			child := exec.Command("/proc/self/exe")
			child.Env = append(os.Environ(), orphanEnv+"="+how)
			stdout, err := child.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			defer child.Wait()
			defer child.Process.Kill()
			line, err := bufio.NewReader(stdout).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			dir := strings.TrimSpace(line)
			for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGINT} {
				if signal.String() == how {
					if len(leftovers(t, dir)) == 0 {
						t.Error("nothing is found of a running engine")
					}
					if err := child.Process.Signal(signal); err != nil {
						t.Fatal(err)
					}
				}
			}
			deadline := time.After(2 * time.Minute)
			for tick := time.Tick(20 * time.Millisecond); ; {
				found := leftovers(t, dir)
				if len(found) == 0 {
					return
				}
				select {
				case <-deadline:
					t.Fatalf("left: %v", found)
				case <-tick:
				}
			}
		})
	}
}
