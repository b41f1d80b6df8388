// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/client"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/images"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/networks"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/volumes"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

var shared *engine.Engine

// sshTarget names the socket at the far end of an ssh connection. If it is set, the test program connects its standard
// input and output to that socket.
const sshTarget = "ENGINE_TEST_SSH_TARGET"

func TestMain(m *testing.M) {
	if socket := os.Getenv(sshTarget); socket != "" {
		os.Exit(joinSocket(socket))
	}
	os.Exit(engine.Main(m, &shared))
}

func joinSocket(path string) int {
	conn, err := net.Dial("unix", path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	go func() { _, _ = io.Copy(conn, os.Stdin) }()
	_, _ = io.Copy(os.Stdout, conn)
	return 0
}

// Images returns the source of the images.
func (e *Engine) Images() *images.Source { return e.Source("images").(*images.Source) }

// Volumes returns the source of the volumes.
func (e *Engine) Volumes() *volumes.Source { return e.Source("volumes").(*volumes.Source) }

// Networks returns the source of the networks.
func (e *Engine) Networks() *networks.Source { return e.Source("networks").(*networks.Source) }

// connected is a running engine with a view of each kind.
type connected struct {
	*Engine
	c, i, v, n *view
	docker     *client.Client
}

// connectTo runs an engine until the test ends. change sets its fields before that.
func connectTo(t *testing.T, host string, change func(*Engine)) *connected {
	t.Helper()
	e, err := NewEngine(Options{Host: host, Namespace: "engine", Access: connection.Full})
	if err != nil {
		t.Fatal(err)
	}
	e.pingPeriod = 200 * time.Millisecond
	e.fenceTimeout = time.Minute
	e.backoff = wait.Backoff{Duration: 10 * time.Millisecond, Factor: 2, Steps: 10, Cap: 200 * time.Millisecond}
	if change != nil {
		change(e)
	}
	ctx, cancel := context.WithCancel(context.Background())
	x := &connected{Engine: e, c: newView(ctx, e.Containers()), i: newView(ctx, e.Images()), v: newView(ctx, e.Volumes()), n: newView(ctx, e.Networks()), docker: shared.Client()}
	e.Containers().SetSink(x.c)
	e.Images().SetSink(x.i)
	e.Volumes().SetSink(x.v)
	e.Networks().SetSink(x.n)
	var group sync.WaitGroup
	for _, v := range []*view{x.c, x.i, x.v, x.n} {
		group.Go(v.run)
	}
	group.Go(func() {
		if err := e.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		group.Wait()
	})
	return x
}

func connect(t *testing.T) *connected {
	t.Helper()
	x := connectTo(t, shared.Host(), nil)
	x.awaitConnection(t)
	return x
}

func (x *connected) awaitConnection(t *testing.T) {
	t.Helper()
	eventually(t, "connection", func() bool { return x.CheckSynced() == nil })
}

func (x *connected) container(t *testing.T, name string) *v1alpha1.Container {
	t.Helper()
	object, _ := x.c.get(t, name).(*v1alpha1.Container)
	return object
}

func (x *connected) image(t *testing.T, name string) *v1alpha1.Image {
	t.Helper()
	object, _ := x.i.get(t, name).(*v1alpha1.Image)
	return object
}

func (x *connected) volume(t *testing.T, name string) *v1alpha1.Volume {
	t.Helper()
	object, _ := x.v.get(t, name).(*v1alpha1.Volume)
	return object
}

func (x *connected) network(t *testing.T, name string) *v1alpha1.Network {
	t.Helper()
	object, _ := x.n.get(t, name).(*v1alpha1.Network)
	return object
}

// volumeSubject returns the subject of the volume that has the name now.
func (x *connected) volumeSubject(name string) string {
	event := source.Event{Type: events.VolumeEventType, Action: events.ActionCreate}
	event.Actor.ID = name
	x.Volumes().Hear(event) // marks the subject
	return x.v.newestMark(name)
}

func TestTheEngineSaysWhoItIs(t *testing.T) {
	x := connect(t)
	<-x.Connected()
	// A slow engine is connected before it has said its version.
	eventually(t, "the version", func() bool { return x.Version().Engine != "" && x.Version().API != "" })
	if !x.Fenced() {
		t.Error("reads are not fenced")
	}
	if x.Endpoint() != shared.Host() {
		t.Errorf("endpoint %s", x.Endpoint())
	}
}

func TestWhatIsThereBeforeTheConnectionIsShown(t *testing.T) {
	name := engine.UniqueName("there")
	id := shared.Create(t, name, engine.Labels(map[string]string{"a": "b"}))
	shared.Volume(t, name, map[string]string{"c": "d"})
	x := connect(t)
	if c := x.c.held(name).(*v1alpha1.Container); c.Status.ID != id || c.Labels["a"] != "b" {
		t.Errorf("%+v", c)
	}
	if v := x.v.held(name).(*v1alpha1.Volume); v.Status.Driver != "local" || v.Labels["c"] != "d" {
		t.Errorf("%+v", v)
	}
	if i := x.i.held("busybox:latest").(*v1alpha1.Image); i.Status.RepoTag != "busybox:latest" || i.Status.Size == 0 {
		t.Errorf("%+v", i)
	}
}

func TestAFenceShowsEveryChangeRightAfterItsCall(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("fence")
	for i := range 100 {
		shared.Volume(t, fmt.Sprintf("%s-%d", name, i), nil)
		if x.volume(t, fmt.Sprintf("%s-%d", name, i)) == nil {
			t.Fatalf("volume %d is not shown", i)
		}
	}
	for i := range 100 {
		if err := x.docker.VolumeRemove(t.Context(), fmt.Sprintf("%s-%d", name, i), false); err != nil {
			t.Fatal(err)
		}
		if x.volume(t, fmt.Sprintf("%s-%d", name, i)) != nil {
			t.Fatalf("volume %d is still shown", i)
		}
	}
	for i := range 100 {
		id := shared.Create(t, fmt.Sprintf("%s-%d", name, i))
		if c := x.container(t, fmt.Sprintf("%s-%d", name, i)); c == nil || c.Status.ID != id {
			t.Fatalf("container %d is not shown", i)
		}
		if err := x.docker.ContainerRemove(t.Context(), id, container.RemoveOptions{}); err != nil {
			t.Fatal(err)
		}
		if x.container(t, fmt.Sprintf("%s-%d", name, i)) != nil {
			t.Fatalf("container %d is still shown", i)
		}
	}
}

func TestABurstLongerThanTheLogIsShownWhole(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("burst")
	var group sync.WaitGroup
	for part := range 4 {
		group.Go(func() {
			for i := range 150 {
				shared.Volume(t, fmt.Sprintf("%s-%d-%d", name, part, i), nil)
			}
		})
	}
	group.Wait()
	if err := x.Fence(t.Context()); err != nil {
		t.Fatal(err)
	}
	x.v.settle()
	for part := range 4 {
		for i := range 150 {
			if x.v.held(fmt.Sprintf("%s-%d-%d", name, part, i)) == nil {
				t.Fatalf("volume %d of part %d is not shown", i, part)
			}
		}
	}
}

func TestConcurrentFencesShareTheirReads(t *testing.T) {
	x := connect(t)
	var group sync.WaitGroup
	began := time.Now()
	for range 500 {
		group.Go(func() {
			if err := x.Fence(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	t.Logf("500 concurrent fences in %s", time.Since(began))
}

func TestAPeriodicComparisonVisitsEveryKind(t *testing.T) {
	x := connectTo(t, shared.Host(), func(e *Engine) { e.resyncPeriod = 30 * time.Millisecond })
	x.awaitConnection(t)
	for _, v := range []*view{x.c, x.i, x.v, x.n} {
		v.waitFor(t, "a third comparison", func() bool { return v.resyncs >= 3 })
	}
}

func TestAKilledEngineIsUnavailableUntilItIsBack(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("survivor")
	shared.Create(t, name)
	shared.Run(t, name+"-r", engine.Command(engine.Stubborn...))
	if c := x.container(t, name+"-r"); c.Status.Status != "running" {
		t.Fatalf("%+v", c.Status)
	}
	if err := shared.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, v := range []*view{x.c, x.i, x.v, x.n} {
		v.waitFor(t, "unavailable", func() bool { return v.unavailable != nil })
	}
	eventually(t, "the cause", func() bool { return x.Check() != nil })
	x.c.mu.Lock()
	unavailable := x.c.unavailable
	x.c.mu.Unlock()
	for what, err := range map[string]error{
		"sink":    unavailable,
		"fence":   x.Fence(t.Context()),
		"observe": second(x.Containers().Subjects(t.Context())),
		"delete":  x.Volumes().Delete(t.Context(), "data", &v1alpha1.Volume{}),
	} {
		if dockertest.Code(err) != 503 || !dockertest.Contains(err, shared.Host()) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := shared.Restart(); err != nil {
		t.Fatal(err)
	}
	x.awaitConnection(t)
	if c := x.container(t, name); c == nil {
		t.Error("the container is lost")
	}
	if c := x.container(t, name+"-r"); c == nil || c.Status.Status != "exited" {
		t.Errorf("the container that ran when the engine was killed: %+v", c)
	}
}

func TestASuspendedEngineIsNoticed(t *testing.T) {
	x := connectTo(t, shared.Host(), func(e *Engine) { e.pingTimeout = time.Second })
	x.awaitConnection(t)
	if err := shared.Pause(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	x.c.waitFor(t, "unavailable", func() bool { return x.c.unavailable != nil })
	t.Logf("noticed after %s", time.Since(began))
	if err := shared.Resume(); err != nil {
		t.Fatal(err)
	}
	// A ping that takes longer than a second ends a connection again.
	eventually(t, "a live read", func() bool {
		err := x.Fence(t.Context())
		x.i.settle()
		return err == nil && x.i.held("busybox:latest") != nil
	})
}

func TestRunEndsAtOnce(t *testing.T) {
	e, err := NewEngine(Options{Host: "unix:///nowhere/docker.sock"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	v := newView(ctx, e.Containers())
	for _, resource := range []string{"containers", "images", "volumes", "networks"} {
		e.Source(resource).SetSink(v)
	}
	done := make(chan error)
	go func() { done <- e.Run(ctx) }()
	v.waitFor(t, "an error", func() bool {
		return v.unavailable != nil && dockertest.Contains(v.unavailable, "no container engine listens on")
	})
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(2 * time.Minute):
		t.Fatal("Run does not return")
	}
	if err := e.Volumes().Delete(t.Context(), "data", &v1alpha1.Volume{}); dockertest.Code(err) != 503 {
		t.Errorf("a call after Run has returned: %v", err)
	}
}

func BenchmarkFence(b *testing.B) {
	e, err := NewEngine(Options{Host: shared.Host(), Namespace: "engine"})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	v := newView(ctx, e.Volumes())
	go v.run()
	for _, resource := range []string{"containers", "images", "volumes", "networks"} {
		e.Source(resource).SetSink(v)
	}
	done := make(chan error)
	go func() { done <- e.Run(ctx) }()
	<-e.Connected()
	for range 256 {
		id, err := shared.Client().VolumeCreate(b.Context(), volumeOptions(engine.UniqueName("bench")))
		if err != nil {
			b.Fatal(err)
		}
		if err := shared.Client().VolumeRemove(b.Context(), id.Name, false); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if err := e.Fence(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	cancel()
	<-done
}
