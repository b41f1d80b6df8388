// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func engineShown(t *testing.T, e *Engine) *v1alpha1.Engine {
	t.Helper()
	objects, _, err := e.Engines().Observe(t.Context(), v1alpha1.EngineName)
	if err != nil {
		t.Fatal(err)
	}
	shown, ok := objects["engine/moby"].(*v1alpha1.Engine)
	if !ok || len(objects) != 1 {
		t.Fatalf("the engine shows as %v", objects)
	}
	if errs := validation.ValidateConditions(shown.Status.Conditions, field.NewPath("status")); len(errs) > 0 {
		t.Errorf("the conditions are not valid: %v", errs)
	}
	return shown
}

// conditionOf returns the status, reason and message of a condition as one text.
func conditionOf(engine *v1alpha1.Engine, kind string) string {
	c := meta.FindStatusCondition(engine.Status.Conditions, kind)
	if c == nil {
		return "absent"
	}
	return fmt.Sprintf("%s %s: %s", c.Status, c.Reason, c.Message)
}

func awaitCondition(t *testing.T, e *Engine, kind, want string) *v1alpha1.Engine {
	t.Helper()
	var shown *v1alpha1.Engine
	eventually(t, kind+" "+want, func() bool {
		shown = engineShown(t, e)
		return strings.HasPrefix(conditionOf(shown, kind), want)
	})
	return shown
}

func TestAnEngineIsShownThroughItsLife(t *testing.T) {
	var counted atomic.Int32
	x := connectTo(t, shared.Host(), func(e *Engine) {
		e.Engines().SetCount(func() v1alpha1.EngineCounts { return v1alpha1.EngineCounts{Containers: counted.Add(1)} })
	})
	shown := awaitCondition(t, x.Engine, "Synced", "True Synced: all that the container engine holds has been read")
	if got := conditionOf(shown, "ContainerEngineReady"); got != "True Connected: the container engine at "+shared.Host()+" answers" {
		t.Errorf("the engine is %s", got)
	}
	eventually(t, "the storage driver", func() bool {
		shown = engineShown(t, x.Engine)
		return shown.Status.StorageDriver != ""
	})
	known := shown.Status
	if known.Version == "" || known.APIVersion == "" || known.OS != "linux" || known.Architecture == "" || known.Counts == nil {
		t.Errorf("the status is %+v", known)
	}

	if err := shared.Kill(); err != nil {
		t.Fatal(err)
	}
	shown = awaitCondition(t, x.Engine, "ContainerEngineReady", "False Stopped: no container engine listens on "+shared.Host())
	if got := conditionOf(shown, "Synced"); !strings.HasPrefix(got, "False Unavailable: no container engine") {
		t.Errorf("Synced is %s", got)
	}
	kept := shown.Status
	kept.Conditions = known.Conditions
	if kept.Version != known.Version || kept.StorageDriver != known.StorageDriver || *kept.Counts != *known.Counts {
		t.Errorf("the status of an engine that is gone is %+v, was %+v", kept, known)
	}

	if err := shared.Restart(); err != nil {
		t.Fatal(err)
	}
	shown = awaitCondition(t, x.Engine, "Synced", "True")
	if got := conditionOf(shown, "ContainerEngineReady"); !strings.HasPrefix(got, "True Connected") || *shown.Status.Counts == *known.Counts {
		t.Errorf("the engine is back: %s, with %+v", got, shown.Status.Counts)
	}
}

func TestAnEngineThatHangsIsNotStopped(t *testing.T) {
	x := connectTo(t, shared.Host(), func(e *Engine) { e.pingTimeout = time.Second })
	x.awaitConnection(t)
	if err := shared.Pause(); err != nil {
		t.Fatal(err)
	}
	awaitCondition(t, x.Engine, "ContainerEngineReady", "False ConnectFailed: the container engine at "+shared.Host()+" is not available: it has not answered for 1s")
	if err := shared.Resume(); err != nil {
		t.Fatal(err)
	}
	awaitCondition(t, x.Engine, "Synced", "True")
}

func TestAnEngineThatIsTooOldIsNotApplicable(t *testing.T) {
	f := startFake(t)
	f.api = "1.40"
	x := connectTo(t, f.host(), nil)
	shown := awaitCondition(t, x.Engine, "ContainerEngineReady", "False NotApplicable")
	if got := conditionOf(shown, "ContainerEngineReady"); !strings.Contains(got, "Docker API 1.40") || shown.Status.Version != "fake" {
		t.Errorf("%s, version %q", got, shown.Status.Version)
	}
}

func TestAnEngineWithoutAnEventLogSaysSo(t *testing.T) {
	f := startFake(t)
	f.podman = true
	x := connectFake(t, f)
	awaitCondition(t, x.Engine, "Synced", "True Synced: all that the container engine holds has been read; the engine has no event log")
}

func TestAnEngineIsCalledWhatItIs(t *testing.T) {
	for _, isPodman := range []bool{false, true} {
		f := startFake(t)
		f.podman = isPodman
		want := "Docker Engine"
		if isPodman {
			want = "Podman Engine"
		}
		if got := connectFake(t, f).Version().Product; got != want {
			t.Errorf("podman %v: the name is %q", isPodman, got)
		}
	}
}

func TestAnEngineIsReadWithoutWaitingForIt(t *testing.T) {
	x := connectTo(t, "unix://"+filepath.Join(t.TempDir(), "docker.sock"), nil)
	engineShown(t, x.Engine)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := x.Engines().Fence(ctx); err != nil {
		t.Errorf("a fence has waited for its reader: %v", err)
	}
}
