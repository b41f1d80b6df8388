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
	"github.com/docker/docker/api/types/volume"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func TestPodmanGoesWithoutAFence(t *testing.T) {
	f := startFake(t)
	f.podman = true
	x := connectFake(t, f)
	if x.Fenced() {
		t.Error("the engine is fenced")
	}
	must(t, x.Fence(t.Context()))
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
	must(t, x.Fence(t.Context()))
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
		must(t, x.Fence(t.Context()))
		if x.v.marked("new") != 1 {
			t.Errorf("%s: the event was not found", what)
		}
	}
}

func TestAStreamThatLostEventsIsOpenedAgain(t *testing.T) {
	f := startFake(t)
	x := connectTo(t, f.host(), func(e *Engine) { e.fenceTimeout = 100 * time.Millisecond })
	x.awaitConnection(t)
	c, err := x.current()
	must(t, err)
	f.mu.Lock()
	streamed := f.log
	f.log = func(string) (int, string) {
		f.log = streamed // the next connection reads this log
		return http.StatusOK, string(bytes.Join(volumes(1, 257), []byte("\n")))
	}
	f.mu.Unlock()
	if err := x.Fence(t.Context()); code(err) != 503 || !contains(err, "lost events") {
		t.Errorf("%v", err)
	}
	eventually(t, "another connection", func() bool {
		again, err := x.current()
		return err == nil && again != c
	})
}

func TestAnEngineThatIsTooOldIsRefused(t *testing.T) {
	f := startFake(t)
	f.api = "1.40"
	x := connectTo(t, f.host(), nil)
	x.c.waitFor(t, "the refusal", func() bool { return contains(x.c.unavailable, "Docker API 1.40") })
}

func TestTheRemovalOfAStoppedContainerIsShownOnlyIfItTakesLong(t *testing.T) {
	f := startFake(t)
	status := container.StateExited
	f.handle("GET /containers/"+idA+"/json", func(w http.ResponseWriter, _ *http.Request) {
		if status == "" {
			answer(w, http.StatusNotFound, map[string]string{"message": "no such container"})
			return
		}
		answer(w, http.StatusOK, container.InspectResponse{ContainerJSONBase: &container.ContainerJSONBase{
			ID: idA, Name: "/web", State: &container.State{Status: status},
		}})
	})
	x := connectTo(t, f.host(), func(e *Engine) { e.removalTimeout = 50 * time.Millisecond })
	x.awaitConnection(t)
	patient := connectTo(t, f.host(), func(e *Engine) { e.removalTimeout = time.Hour })
	patient.awaitConnection(t)
	shownBy := func(x *connected) string {
		objects, _, err := x.Containers().Observe(t.Context(), idA)
		must(t, err)
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
	f.handle("POST /containers/"+idA+"/wait", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	if got := shown(); got != "removing" {
		t.Errorf("during a long removal the container is %q", got)
	}
	f.handle("POST /containers/"+idA+"/wait", func(w http.ResponseWriter, _ *http.Request) {
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
	f.handle("GET /containers/"+idA+"/json", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	x := connectFake(t, f)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, _, err := x.Containers().Observe(ctx, idA); code(err) != 504 {
		t.Errorf("%v", err)
	}
	done := make(chan error)
	go func() { done <- third(x.Containers().Observe(t.Context(), idA)) }()
	eventually(t, "the call", func() bool { return f.count("GET /containers/"+idA+"/json") == 2 })
	c, err := x.current()
	must(t, err)
	c.fail(errGone)
	if err := <-done; code(err) != 503 || !contains(err, "gone") {
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
	if err := x.Fence(ctx); code(err) != 504 {
		t.Errorf("%v", err)
	}
}

func TestADeletionWaitsForARemovalUnderWay(t *testing.T) {
	f := startFake(t)
	f.handle("GET /containers/"+idA+"/json", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, inspected(nil)) })
	f.handle("POST /containers/"+idA+"/stop", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) })
	f.fail("DELETE /containers/"+idA, http.StatusConflict, "removal of container "+idA+" is already in progress")
	f.handle("POST /containers/"+idA+"/wait", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, container.WaitResponse{Error: &container.WaitExitError{Message: "device busy"}})
	})
	x := connectFake(t, f)
	x.c.MarkDirty(idA)
	x.c.settle()
	if err := x.update(t, t.Context(), "web", deletion(1)); code(err) != 500 || !contains(err, "device busy") {
		t.Errorf("%v", err)
	}
}

func TestARemovalUnderWayIsWaitedFor(t *testing.T) {
	f := startFake(t)
	f.fail("DELETE /containers/"+idA, http.StatusConflict, "removal of container "+idA+" is already in progress")
	f.handle("POST /containers/"+idA+"/wait", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, container.WaitResponse{StatusCode: 0})
	})
	f.fail("DELETE /containers/"+idB, http.StatusConflict, "removal of container "+idB+" is already in progress")
	f.fail("POST /containers/"+idB+"/wait", http.StatusNotFound, "No such container: "+idB)
	x := connectFake(t, f)
	for _, id := range []string{idA, idB} {
		must(t, x.Containers().Delete(t.Context(), id, &v1alpha1.Container{}))
	}
	f.handle("POST /containers/"+idA+"/wait", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, container.WaitResponse{Error: &container.WaitExitError{Message: "device busy"}})
	})
	if err := x.Containers().Delete(t.Context(), idA, &v1alpha1.Container{}); code(err) != 500 || !contains(err, "device busy") {
		t.Errorf("%v", err)
	}
}

func TestDockersAnswerMustBeAboutTheVeryThing(t *testing.T) {
	f := startFake(t)
	f.handle("GET /containers/"+idB+"/json", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, inspected(nil)) })
	f.handle("GET /containers/empty/json", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, nil) })
	f.handle("GET /images/sha256:"+idB+"/json", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, imageResponse("a:b")) })
	f.handle("GET /volumes/data", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, volume.Volume{}) })
	x := connectFake(t, f)
	for what, s := range map[string]source{idB: x.Containers(), "empty": x.Containers(), "sha256:" + idB: x.Images(), x.volumeSubject("data"): x.Volumes()} {
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
	for _, path := range []string{"GET /containers/json", "GET /images/json", "GET /volumes", "GET /containers/" + idA + "/json",
		"GET /images/sha256:" + idA + "/json", "GET /images/a:b/json", "GET /volumes/data"} {
		f.fail(path, http.StatusInternalServerError, "boom")
	}
	for what, err := range map[string]error{
		"container":      third(x.Containers().Observe(t.Context(), idA)),
		"image":          third(x.Images().Observe(t.Context(), "sha256:"+idA)),
		"volume":         third(x.Volumes().Observe(t.Context(), x.volumeSubject("data"))),
		"find container": second(x.Containers().Lookup(t.Context(), "engine/"+idA)),
		"find image":     second(x.Images().Lookup(t.Context(), "engine/a:b")),
		"find volume":    second(x.Volumes().Lookup(t.Context(), "engine/data")),
		"update":         x.Containers().Update(t.Context(), idA, &v1alpha1.Container{}, &v1alpha1.Container{Spec: v1alpha1.ContainerSpec{State: "running"}}),
		"delete image":   x.Images().Delete(t.Context(), "sha256:"+idA, &v1alpha1.Image{}),
		"delete volume":  x.Volumes().Delete(t.Context(), x.volumeSubject("data"), &v1alpha1.Volume{}),
	} {
		if code(err) != 500 || !contains(err, "boom") {
			t.Errorf("%s: %v", what, err)
		}
	}
	for resource, s := range map[string]source{"containers": x.Containers(), "images": x.Images(), "volumes": x.Volumes()} {
		want := fmt.Sprintf("the %s of the container engine at %s cannot be listed: boom", resource, f.host())
		if _, err := s.Subjects(t.Context()); code(err) != 503 || !contains(err, want) {
			t.Errorf("listing %s: %v", resource, err)
		}
	}
}

func TestAStatusThatIsNotKnownCannotBeLeft(t *testing.T) {
	f := startFake(t)
	f.handle("GET /containers/"+idA+"/json", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, inspected(func(r *container.InspectResponse) { r.State.Status = "hibernating" }))
	})
	x := connectFake(t, f)
	err := x.Containers().Update(t.Context(), idA, &v1alpha1.Container{}, &v1alpha1.Container{Spec: v1alpha1.ContainerSpec{State: "running"}})
	if code(err) != 409 || !contains(err, "hibernating") {
		t.Errorf("%v", err)
	}
	gone := x.Containers().Update(t.Context(), idB, &v1alpha1.Container{}, &v1alpha1.Container{Spec: v1alpha1.ContainerSpec{State: "running"}})
	if code(gone) != 404 {
		t.Errorf("%v", gone)
	}
}

func TestAForcedDeletionIsDoneWhenTheOneThatItCutShortWasFaster(t *testing.T) {
	f := startFake(t)
	f.fail("DELETE /containers/"+idA, http.StatusNotFound, "No such container: "+idA)
	x := connectFake(t, f)
	web := &v1alpha1.Container{}
	if err := x.Containers().Delete(t.Context(), idA, web); code(err) != 404 {
		t.Errorf("delete of a container that is not being deleted: %v", err)
	}
	begun := metav1.Now()
	web.DeletionTimestamp = &begun
	must(t, x.Containers().Delete(t.Context(), idA, web))
}

func TestACallThatIsCutOffNamesTheEngine(t *testing.T) {
	f := startFake(t)
	cut := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	x := connectFake(t, f)
	for _, path := range []string{"GET /containers/" + idA + "/json", "DELETE /containers/" + idA} {
		f.handle(path, cut)
	}
	const eof = " is not available: EOF"
	for _, call := range []struct {
		what, end string
		err       error
	}{
		{"read", eof, third(x.Containers().Observe(t.Context(), idA))},
		{"change", eof + mayBeDone, x.Containers().Delete(t.Context(), idA, &v1alpha1.Container{})},
	} {
		if code(call.err) != 503 || call.err.Error() != "the container engine at "+f.host()+call.end {
			t.Errorf("%s: %v", call.what, call.err)
		}
	}
}

func TestALineLongerThanTheBufferIsReadWhole(t *testing.T) {
	long := strings.Repeat("x", 300<<10)
	var got []string
	must(t, eachLine(strings.NewReader("a\n\n"+long+"\nb"), func(line []byte) error {
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
