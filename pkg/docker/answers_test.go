// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source/sourcetest"
)

func TestPodmanGoesWithoutAFence(t *testing.T) {
	f := startFake(t)
	f.podman = true
	x := connectFake(t, f)
	if x.Fenced() {
		t.Error("the engine is fenced")
	}
	dockertest.Must(t, x.Fence(t.Context()))
	if f.count("GET /events") != 1 {
		t.Errorf("%d reads of events, want 1", f.count("GET /events"))
	}
}

func TestALogThatShowsNothingOfTheStreamIsNotRelied(t *testing.T) {
	f := startFake(t)
	f.log = func(string) (int, string) { return http.StatusOK, "" }
	x := connectFake(t, f)
	f.bring(line("volume", "create", "data", 1))
	x.v.waitFor(t, "the event", func() bool { return x.v.marksOf("data") > 0 })
	dockertest.Must(t, x.Fence(t.Context()))
	if x.Fenced() {
		t.Error("the engine is fenced")
	}
}

func TestALogThatCannotBeReadInPartIsReadWhole(t *testing.T) {
	for what, part := range map[string]func() (int, string){
		"refused": func() (int, string) { return http.StatusBadRequest, `{"message":"no"}` },
		// An engine whose clock was set back answers like this.
		"without the anchor": func() (int, string) { return http.StatusOK, "" },
	} {
		f := startFake(t)
		whole := string(line("volume", "create", "old", 5e18)) + "\n" + string(line("volume", "create", "new", 4e18)) + "\n"
		f.log = func(query string) (int, string) {
			if strings.Contains(query, "since") {
				return part()
			}
			return http.StatusOK, whole
		}
		x := connectFake(t, f)
		f.bring(line("volume", "create", "old", 5e18))
		x.v.waitFor(t, "the event", func() bool { return x.v.marksOf("old") > 0 })
		dockertest.Must(t, x.Fence(t.Context()))
		if x.v.marked("new") != 1 {
			t.Errorf("%s: the event was not found", what)
		}
	}
}

func TestAStreamThatLostEventsIsOpenedAgain(t *testing.T) {
	f := startFake(t)
	x := connectTo(t, f.host(), func(e *Engine) { e.fenceTimeout = 100 * time.Millisecond })
	x.awaitConnection(t)
	c, err := x.client.Current()
	dockertest.Must(t, err)
	f.mu.Lock()
	streamed := f.log
	longer := string(bytes.Join(volumeEvents(1, 257), []byte("\n")))
	f.log = func(string) (int, string) { return http.StatusOK, longer }
	f.mu.Unlock()
	eventually(t, "a fence that has read the log in time", func() bool {
		err = x.Fence(t.Context())
		return dockertest.Code(err) != 504
	})
	if dockertest.Code(err) != 503 || !dockertest.Contains(err, "lost events") {
		t.Errorf("%v", err)
	}
	f.mu.Lock()
	f.log = streamed
	f.mu.Unlock()
	eventually(t, "another connection", func() bool {
		again, err := x.client.Current()
		return err == nil && again != c
	})
}

func TestAnEngineThatIsTooOldIsRefused(t *testing.T) {
	f := startFake(t)
	f.api = "1.40"
	x := connectTo(t, f.host(), nil)
	x.c.waitFor(t, "the refusal", func() bool { return dockertest.Contains(x.c.unavailable, "Docker API 1.40") })
}

func TestTheRemovalOfAStoppedContainerIsShownOnlyIfItTakesLong(t *testing.T) {
	f := startFake(t)
	status := container.StateExited
	f.handle("GET /containers/"+dockertest.IDA+"/json", func(w http.ResponseWriter, _ *http.Request) {
		if status == "" {
			answer(w, http.StatusNotFound, map[string]string{"message": "no such container"})
			return
		}
		answer(w, http.StatusOK, container.InspectResponse{ContainerJSONBase: &container.ContainerJSONBase{
			ID: dockertest.IDA, Name: "/web", State: &container.State{Status: status},
		}})
	})
	x := connectTo(t, f.host(), func(e *Engine) { e.Containers().RemovalTimeout = 50 * time.Millisecond })
	x.awaitConnection(t)
	patient := connectTo(t, f.host(), func(e *Engine) { e.Containers().RemovalTimeout = time.Hour })
	patient.awaitConnection(t)
	shownBy := func(x *connected) string {
		objects, _, err := x.Containers().Observe(t.Context(), dockertest.IDA)
		dockertest.Must(t, err)
		for _, object := range objects {
			return string(object.(*v1alpha1.Container).Status.Status)
		}
		return ""
	}
	shown := func() string { return shownBy(x) }
	for _, x := range []*connected{x, patient} {
		if got := shownBy(x); got != "exited" {
			t.Errorf("a stopped container is %q", got)
		}
	}
	status = container.StateRemoving
	f.handle("POST /containers/"+dockertest.IDA+"/wait", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	if got := shown(); got != "removing" {
		t.Errorf("during a long removal the container is %q", got)
	}
	f.handle("POST /containers/"+dockertest.IDA+"/wait", func(w http.ResponseWriter, _ *http.Request) {
		status = ""
		answer(w, http.StatusOK, container.WaitResponse{})
	})
	if got := shownBy(patient); got != "" {
		t.Errorf("after a short removal the container is %q", got)
	}

	// The container was running before its removal, so the removal is shown.
	status = container.StateRunning
	if got := shown(); got != "running" {
		t.Errorf("a running container is %q", got)
	}
	status = container.StateRemoving
	if got := shown(); got != "removing" {
		t.Errorf("after it ran, the container is %q", got)
	}
}

func TestAnInspectionThatBlocksIsBounded(t *testing.T) {
	f := startFake(t)
	entered := make(chan struct{}, 2)
	f.handle("GET /containers/"+dockertest.IDA+"/json", func(_ http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		<-r.Context().Done()
	})
	x := connectFake(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-entered
		cancel()
	}()
	if _, _, err := x.Containers().Observe(ctx, dockertest.IDA); dockertest.Code(err) != 504 {
		t.Errorf("%v", err)
	}
	done := make(chan error)
	go func() { done <- third(x.Containers().Observe(t.Context(), dockertest.IDA)) }()
	<-entered
	c, err := x.client.Current()
	dockertest.Must(t, err)
	c.Fail(errGone)
	if err := <-done; dockertest.Code(err) != 503 || !dockertest.Contains(err, "gone") {
		t.Errorf("after the connection was given up: %v", err)
	}
}

func TestAFenceThatBlocksEndsWithItsReader(t *testing.T) {
	f := startFake(t)
	x := connectFake(t, f)
	release := make(chan struct{})
	defer close(release)
	f.mu.Lock()
	f.log = func(string) (int, string) { <-release; return http.StatusOK, "" }
	f.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := x.Fence(ctx); dockertest.Code(err) != 504 {
		t.Errorf("%v", err)
	}
}

func TestADeletionWaitsForARemovalUnderWay(t *testing.T) {
	f := startFake(t)
	f.handle("GET /containers/"+dockertest.IDA+"/json", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, sourcetest.Container(nil)) })
	f.handle("POST /containers/"+dockertest.IDA+"/stop", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) })
	f.fail("DELETE /containers/"+dockertest.IDA, http.StatusConflict, "removal of container "+dockertest.IDA+" is already in progress")
	f.handle("POST /containers/"+dockertest.IDA+"/wait", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, container.WaitResponse{Error: &container.WaitExitError{Message: "device busy"}})
	})
	x := connectFake(t, f)
	x.c.MarkDirty(dockertest.IDA)
	x.c.settle()
	if err := x.update(t, t.Context(), "web", deletion(1)); dockertest.Code(err) != 500 || !dockertest.Contains(err, "device busy") {
		t.Errorf("%v", err)
	}
}

func TestARemovalUnderWayIsWaitedFor(t *testing.T) {
	f := startFake(t)
	f.fail("DELETE /containers/"+dockertest.IDA, http.StatusConflict, "removal of container "+dockertest.IDA+" is already in progress")
	f.handle("POST /containers/"+dockertest.IDA+"/wait", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, container.WaitResponse{StatusCode: 0})
	})
	f.fail("DELETE /containers/"+dockertest.IDB, http.StatusConflict, "removal of container "+dockertest.IDB+" is already in progress")
	f.fail("POST /containers/"+dockertest.IDB+"/wait", http.StatusNotFound, "No such container: "+dockertest.IDB)
	x := connectFake(t, f)
	for _, id := range []string{dockertest.IDA, dockertest.IDB} {
		dockertest.Must(t, x.Containers().Delete(t.Context(), id, &v1alpha1.Container{}))
	}
	f.handle("POST /containers/"+dockertest.IDA+"/wait", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, container.WaitResponse{Error: &container.WaitExitError{Message: "device busy"}})
	})
	if err := x.Containers().Delete(t.Context(), dockertest.IDA, &v1alpha1.Container{}); dockertest.Code(err) != 500 || !dockertest.Contains(err, "device busy") {
		t.Errorf("%v", err)
	}
}

const networkID = "t5ch4nazcpwvtm2rqm0edgbyd"

func TestDockersAnswerMustBeAboutTheVeryThing(t *testing.T) {
	f := startFake(t)
	f.handle("GET /containers/"+dockertest.IDB+"/json", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, sourcetest.Container(nil)) })
	f.handle("GET /containers/empty/json", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, nil) })
	f.handle("GET /images/sha256:"+dockertest.IDB+"/json", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, sourcetest.Image("a:b")) })
	f.handle("GET /volumes/data", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, volume.Volume{}) })
	f.handle("GET /networks/"+networkID, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, network.Inspect{ID: dockertest.IDA})
	})
	x := connectFake(t, f)
	for what, s := range map[string]Source{dockertest.IDB: x.Containers(), "empty": x.Containers(), "sha256:" + dockertest.IDB: x.Images(), x.volumeSubject("data"): x.Volumes(), networkID: x.Networks()} {
		if objects, _, err := s.Observe(t.Context(), what); len(objects) != 0 || err != nil {
			t.Errorf("%s: %v, %v", what, objects, err)
		}
		name := what[strings.LastIndexByte(what, '/')+1:]
		if subject, err := s.Lookup(t.Context(), "engine/"+name); subject != "" || err != nil {
			t.Errorf("%s: %q, %v", what, subject, err)
		}
	}
}

func TestDockersFailuresComeThrough(t *testing.T) {
	f := startFake(t)
	x := connectFake(t, f)
	for _, path := range []string{"GET /containers/json", "GET /images/json", "GET /volumes", "GET /containers/" + dockertest.IDA + "/json",
		"GET /images/sha256:" + dockertest.IDA + "/json", "GET /images/a:b/json", "GET /volumes/data", "GET /networks", "GET /networks/" + dockertest.IDA, "DELETE /networks/" + dockertest.IDA} {
		f.fail(path, http.StatusInternalServerError, "boom")
	}
	for what, err := range map[string]error{
		"container":      third(x.Containers().Observe(t.Context(), dockertest.IDA)),
		"image":          third(x.Images().Observe(t.Context(), "sha256:"+dockertest.IDA)),
		"volume":         third(x.Volumes().Observe(t.Context(), x.volumeSubject("data"))),
		"network":        third(x.Networks().Observe(t.Context(), dockertest.IDA)),
		"find network":   second(x.Networks().Lookup(t.Context(), "engine/back")),
		"delete network": x.Networks().Delete(t.Context(), dockertest.IDA, &v1alpha1.Network{}),
		"find container": second(x.Containers().Lookup(t.Context(), "engine/"+dockertest.IDA)),
		"find image":     second(x.Images().Lookup(t.Context(), "engine/a:b")),
		"find volume":    second(x.Volumes().Lookup(t.Context(), "engine/data")),
		"update":         x.Containers().Update(t.Context(), dockertest.IDA, &v1alpha1.Container{}, &v1alpha1.Container{Spec: v1alpha1.ContainerSpec{State: "running"}}),
		"delete image":   x.Images().Delete(t.Context(), "sha256:"+dockertest.IDA, &v1alpha1.Image{}),
		"delete volume":  x.Volumes().Delete(t.Context(), x.volumeSubject("data"), &v1alpha1.Volume{}),
	} {
		if dockertest.Code(err) != 500 || !dockertest.Contains(err, "boom") {
			t.Errorf("%s: %v", what, err)
		}
	}
	for resource, s := range map[string]Source{"containers": x.Containers(), "images": x.Images(), "volumes": x.Volumes(), "networks": x.Networks()} {
		want := fmt.Sprintf("the %s of the container engine at %s cannot be listed: boom", resource, f.host())
		if _, err := s.Subjects(t.Context()); dockertest.Code(err) != 503 || !dockertest.Contains(err, want) {
			t.Errorf("listing %s: %v", resource, err)
		}
	}
}

func TestAStatusThatIsNotKnownCannotBeLeft(t *testing.T) {
	f := startFake(t)
	f.handle("GET /containers/"+dockertest.IDA+"/json", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, sourcetest.Container(func(r *container.InspectResponse) { r.State.Status = "hibernating" }))
	})
	x := connectFake(t, f)
	err := x.Containers().Update(t.Context(), dockertest.IDA, &v1alpha1.Container{}, &v1alpha1.Container{Spec: v1alpha1.ContainerSpec{State: "running"}})
	if dockertest.Code(err) != 409 || !dockertest.Contains(err, "hibernating") {
		t.Errorf("%v", err)
	}
	gone := x.Containers().Update(t.Context(), dockertest.IDB, &v1alpha1.Container{}, &v1alpha1.Container{Spec: v1alpha1.ContainerSpec{State: "running"}})
	if dockertest.Code(gone) != 404 {
		t.Errorf("%v", gone)
	}
}

func TestAForcedDeletionIsDoneWhenTheOneThatItCutShortWasFaster(t *testing.T) {
	f := startFake(t)
	f.fail("DELETE /containers/"+dockertest.IDA, http.StatusNotFound, "No such container: "+dockertest.IDA)
	x := connectFake(t, f)
	web := &v1alpha1.Container{}
	if err := x.Containers().Delete(t.Context(), dockertest.IDA, web); dockertest.Code(err) != 404 {
		t.Errorf("delete of a container that is not being deleted: %v", err)
	}
	begun := metav1.Now()
	web.DeletionTimestamp = &begun
	dockertest.Must(t, x.Containers().Delete(t.Context(), dockertest.IDA, web))
}

func TestACallThatIsCutOffNamesTheEngine(t *testing.T) {
	f := startFake(t)
	cut := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	x := connectFake(t, f)
	for _, path := range []string{"GET /containers/" + dockertest.IDA + "/json", "DELETE /containers/" + dockertest.IDA} {
		f.handle(path, cut)
	}
	const eof = " is not available: EOF"
	for _, call := range []struct {
		what, end string
		err       error
	}{
		{"read", eof, third(x.Containers().Observe(t.Context(), dockertest.IDA))},
		{"change", eof + ". The request was sent, so Docker may have carried it out. Get the object before you ask again", x.Containers().Delete(t.Context(), dockertest.IDA, &v1alpha1.Container{})},
	} {
		if dockertest.Code(call.err) != 503 || call.err.Error() != "the container engine at "+f.host()+call.end {
			t.Errorf("%s: %v", call.what, call.err)
		}
	}
}

func TestALineLongerThanTheBufferIsReadWhole(t *testing.T) {
	long := strings.Repeat("x", 300<<10)
	var got []string
	dockertest.Must(t, eachLine(strings.NewReader("a\n\n"+long+"\nb"), func(line []byte) error {
		got = append(got, string(line))
		return nil
	}))
	if !slices.Equal(got, []string{"a", long, "b"}) {
		t.Errorf("%d lines", len(got))
	}
	if err := eachLine(strings.NewReader("a\n"), func([]byte) error { return errGone }); !errors.Is(err, errGone) {
		t.Errorf("%v", err)
	}
	if err := eachLine(iotest.ErrReader(errGone), nil); !errors.Is(err, errGone) {
		t.Errorf("%v", err)
	}
}

func TestABeginningOfSeveralIDsIsNoName(t *testing.T) {
	f := startFake(t)
	f.fail("GET /containers/ab/json", http.StatusInternalServerError, "Multiple IDs found with provided prefix: ab")
	if subject, err := connectFake(t, f).Containers().Lookup(t.Context(), "engine/ab"); subject != "" || err != nil {
		t.Errorf("%q, %v", subject, err)
	}
}
