// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

var eng *engine.Engine

func TestMain(m *testing.M) {
	if os.Getenv(orphanEnv) != "" {
		os.Exit(orphan())
	}
	os.Exit(engine.Main(m, &eng))
}

func status(t *testing.T, e *engine.Engine, id string) string {
	t.Helper()
	got, err := e.Client().ContainerInspect(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return got.State.Status
}

func TestRunStartsAContainer(t *testing.T) {
	id := eng.Run(t, engine.UniqueName("run"), engine.Labels(map[string]string{"a": "b"}))
	if got := status(t, eng, id); got != "running" {
		t.Errorf("status %s", got)
	}
}

func TestAShellWithATrapEndsAtOnceWhenStopped(t *testing.T) {
	for name, command := range map[string][]string{
		"wait": engine.Wait,
		"slow": {"sh", "-c", "trap 'exit 0' $(usleep 300000; echo TERM); while :; do sleep 3600 & wait; done"},
	} {
		t.Run(name, func(t *testing.T) {
			id := eng.Run(t, engine.UniqueName(name), engine.Command(command...))
			// A container that does not end by itself would be killed after an hour.
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			if err := eng.Client().ContainerStop(ctx, id, container.StopOptions{Timeout: new(3600)}); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestImagesDifferAndDanglingOnesHaveNoTag(t *testing.T) {
	ref := engine.UniqueName("image") + ":v1"
	first, second := eng.Image(t, ref), eng.DanglingImage(t)
	if first == second {
		t.Errorf("both images are %s", first)
	}
	tagged, err := eng.Client().ImageInspect(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	if len(tagged.RepoTags) != 1 || tagged.RepoTags[0] != ref {
		t.Errorf("tags %v, want %s", tagged.RepoTags, ref)
	}
	dangling, err := eng.Client().ImageInspect(t.Context(), second)
	if err != nil {
		t.Fatal(err)
	}
	if len(dangling.RepoTags) != 0 {
		t.Errorf("tags %v, want none", dangling.RepoTags)
	}
}

func TestWhatATestMadeIsGoneAfterIt(t *testing.T) {
	t.Run("makes", func(t *testing.T) {
		eng.Run(t, "leftover", engine.Command(engine.Stubborn...))
		eng.Volume(t, "leftover", nil)
		eng.Tag(t, eng.Image(t, "leftover:1"), "leftover:2")
	})
	if _, err := eng.Client().ContainerInspect(t.Context(), "leftover"); err == nil {
		t.Error("the container is still there")
	}
	if _, err := eng.Client().VolumeInspect(t.Context(), "leftover"); err == nil {
		t.Error("the volume is still there")
	}
	images, err := eng.Client().ImageList(t.Context(), image.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, image := range images {
		for _, tag := range image.RepoTags {
			if strings.HasPrefix(tag, "leftover:") {
				t.Errorf("the image %s is still there", tag)
			}
		}
	}
}

func TestPausedEngineDoesNotAnswer(t *testing.T) {
	if err := eng.Pause(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := eng.Client().Ping(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("ping of a paused engine: %v", err)
	}
	if err := eng.Resume(); err != nil {
		t.Fatal(err)
	}
	if _, err := eng.Client().Ping(t.Context()); err != nil {
		t.Errorf("ping after resume: %v", err)
	}
}

func TestKilledEngineIsGoneUntilRestarted(t *testing.T) {
	id := eng.Run(t, engine.UniqueName("kill"))
	if err := eng.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := eng.Client().Ping(t.Context()); err == nil {
		t.Error("a killed engine answers")
	}
	if err := eng.Restart(); err != nil {
		t.Fatal(err)
	}
	if got := status(t, eng, id); got != "exited" {
		t.Errorf("status %s, want exited", got)
	}
}

func TestRestartKeepsContainersAndImages(t *testing.T) {
	id := eng.Create(t, engine.UniqueName("restart"))
	if err := eng.Restart(); err != nil {
		t.Fatal(err)
	}
	if got := status(t, eng, id); got != "created" {
		t.Errorf("status %s, want created", got)
	}
	if _, err := eng.Client().ImageInspect(t.Context(), engine.Busybox); err != nil {
		t.Error(err)
	}
}

func TestEngineIgnoresTheUsersVariables(t *testing.T) {
	t.Setenv("DOCKER_HOST", "tcp://192.0.2.1:2375")
	t.Setenv("DOCKER_API_VERSION", "1.12")
	e, err := engine.Start(engine.LiveRestore())
	if err != nil {
		t.Fatal(err)
	}
	info, err := e.Client().Info(t.Context())
	if err != nil {
		t.Error(err)
	}
	if !info.LiveRestoreEnabled {
		t.Error("live restore is off")
	}
	if err := e.Stop(); err != nil {
		t.Error(err)
	}
}

func TestAnEngineCanRunOutOfRoomAndGetItBack(t *testing.T) {
	e := engine.StartFor(t, engine.DataSize("64m"))
	if err := e.Fill(); err != nil {
		t.Fatal(err)
	}
	config := &container.Config{Image: engine.Busybox}
	if _, err := e.Client().ContainerCreate(t.Context(), config, nil, nil, nil, engine.UniqueName("full")); err == nil {
		t.Error("there is room for a container")
	}
	if err := e.Free(); err != nil {
		t.Fatal(err)
	}
	e.Create(t, engine.UniqueName("room"))
}

func TestAnEngineIsConfiguredByItsNextStart(t *testing.T) {
	e := engine.StartFor(t)
	id := e.Run(t, engine.UniqueName("restored"))
	if err := e.Configure(map[string]any{"live-restore": true}); err != nil {
		t.Fatal(err)
	}
	if err := e.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := e.Restart(); err != nil {
		t.Fatal(err)
	}
	if got := status(t, e, id); got != "running" {
		t.Errorf("the container is %s", got)
	}
}

func TestFailedStartShowsTheLogAndLeavesNothing(t *testing.T) {
	parent, err := os.MkdirTemp("", "start-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(parent)
	t.Setenv("TMPDIR", parent)
	_, err = engine.Start(engine.Args("--storage-driver=no-such-driver"))
	if err == nil || !strings.Contains(err.Error(), "no-such-driver") {
		t.Errorf("error %v, want the end of dockerd's log", err)
	}
	left, err := os.ReadDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
