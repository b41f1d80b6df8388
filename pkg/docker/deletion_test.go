// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// connectFiltered connects to the shared engine through a proxy. If refuse answers a request and returns true, the
// proxy does not pass the request on.
func connectFiltered(t *testing.T, refuse func(http.ResponseWriter, *http.Request) bool) *connected {
	t.Helper()
	filter := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: "engine"}) },
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", strings.TrimPrefix(shared.Host(), "unix://"))
		}},
		FlushInterval: -1,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !refuse(w, r) {
			filter.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.CloseClientConnections)
	x := connectTo(t, "tcp://"+server.Listener.Addr().String(), nil)
	x.awaitConnection(t)
	return x
}

func isStop(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/stop") }

func isRemoval(r *http.Request) bool { return r.Method == http.MethodDelete }

func refusing(match func(*http.Request) bool, code int, message string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if match(r) {
			answer(w, code, map[string]string{"message": message})
			return true
		}
		return false
	}
}

func TestADeletionThatIsRefusedAtOnceIsRefused(t *testing.T) {
	x := connectFiltered(t, refusing(isStop, http.StatusForbidden, "the filter says no"))
	name := engine.UniqueName("refused")
	shared.Run(t, name)
	for _, grace := range []int64{30, 1} {
		err := x.update(t, t.Context(), name, deletion(grace))
		if code(err) != http.StatusForbidden || !contains(err, "the filter says no") {
			t.Errorf("within %d seconds: %v", grace, err)
		}
		c := x.c.held(name).(*v1alpha1.Container)
		if c.DeletionTimestamp != nil || c.Status.LastAction != nil || c.Status.Status != "running" {
			t.Errorf("within %d seconds: %+v", grace, c)
		}
	}
}

func TestADeletionThatIsRefusedLateIsTakenBack(t *testing.T) {
	asked, answered := make(chan struct{}), make(chan struct{})
	x := connectFiltered(t, func(w http.ResponseWriter, r *http.Request) bool {
		if isStop(r) {
			close(asked)
			<-answered
			answer(w, http.StatusForbidden, map[string]string{"message": "the filter says no"})
		}
		return isStop(r)
	})
	fakeClock := clocktesting.NewFakeClock(clock.RealClock{}.Now())
	x.Containers().clock = fakeClock
	name := engine.UniqueName("late")
	shared.Run(t, name)
	updated := make(chan error, 1)
	before := x.container(t, name)
	after := before.DeepCopy()
	deletion(30)(after)
	go func() { updated <- x.Containers().Update(t.Context(), before.Status.ID, before, after) }()
	<-asked
	eventually(t, "the timer", fakeClock.HasWaiters)
	fakeClock.Step(acceptTimeout)
	must(t, <-updated)
	if c := x.container(t, name); c.DeletionTimestamp == nil {
		t.Errorf("the deletion does not show: %+v", c)
	}
	close(answered)
	eventually(t, "the refusal", func() bool { return x.c.held(name).(*v1alpha1.Container).DeletionTimestamp == nil })
	last := x.c.held(name).(*v1alpha1.Container).Status.LastAction
	if last == nil || last.Action != "delete" || last.State != "Failed" || last.Error != "the filter says no" {
		t.Errorf("%+v", last)
	}
}

const cannotRemove = `driver "overlay2" failed to remove root filesystem: operation not permitted`

func TestARemovalThatFailsIsTheAnswerToAShortDeletion(t *testing.T) {
	x := connectFiltered(t, refusing(isRemoval, http.StatusInternalServerError, cannotRemove))
	name := engine.UniqueName("pinned")
	shared.Run(t, name, engine.Command(engine.Stubborn...))
	if err := x.update(t, t.Context(), name, deletion(1)); code(err) != http.StatusInternalServerError || !contains(err, cannotRemove) {
		t.Errorf("%v", err)
	}
	checkNotRemoved(t, x, name)
}

func TestARemovalThatFailsLateShowsAndTakesTheDeletionBack(t *testing.T) {
	release := make(chan struct{})
	refuse := refusing(isRemoval, http.StatusInternalServerError, cannotRemove)
	x := connectFiltered(t, func(w http.ResponseWriter, r *http.Request) bool {
		if isRemoval(r) {
			<-release
		}
		return refuse(w, r)
	})
	name := engine.UniqueName("pinned")
	shared.Run(t, name)
	must(t, x.update(t, t.Context(), name, deletion(30)))
	close(release)
	eventually(t, "the failure", func() bool { return x.c.held(name).(*v1alpha1.Container).DeletionTimestamp == nil })
	checkNotRemoved(t, x, name)
}

func checkNotRemoved(t *testing.T, x *connected, name string) {
	t.Helper()
	c := x.container(t, name)
	last := c.Status.LastAction
	if c.DeletionTimestamp != nil || c.Status.Status != "exited" || last == nil || last.Action != "delete" || last.State != "Failed" || last.Error != cannotRemove {
		t.Errorf("%+v, %+v", c, last)
	}
}

func TestAShorterGracePeriodThatIsRefusedLeavesTheDeletionAsItWas(t *testing.T) {
	stops := make(chan struct{}, 2)
	refuse := refusing(isStop, http.StatusForbidden, "not twice")
	x := connectFiltered(t, func(w http.ResponseWriter, r *http.Request) bool {
		if isStop(r) {
			stops <- struct{}{}
		}
		return len(stops) > 1 && refuse(w, r)
	})
	name := engine.UniqueName("twice")
	id := shared.Run(t, name, engine.Command(engine.Stubborn...))
	must(t, x.update(t, t.Context(), name, deletion(3600)))
	if err := x.update(t, t.Context(), name, deletion(1)); code(err) != http.StatusForbidden || !contains(err, "not twice") {
		t.Errorf("%v", err)
	}
	if c := x.c.held(name).(*v1alpha1.Container); c.DeletionTimestamp == nil || *c.DeletionGracePeriodSeconds != 3600 {
		t.Errorf("%+v", c.ObjectMeta)
	}
	must(t, x.docker.ContainerKill(t.Context(), id, "KILL"))
	eventually(t, "the removal", func() bool { return x.c.held(name) == nil })
}

func TestTheSignalOfAnotherContainerIsNotWaitedFor(t *testing.T) {
	var s signals
	sent, forget := s.await(idA)
	s.sent(idB)
	select {
	case <-sent:
		t.Error("it was the other container")
	default:
	}
	again, forgetAgain := s.await(idA)
	s.sent(idA)
	<-sent
	<-again
	forget()
	forgetAgain()
	_, forget = s.await(idA)
	forget()
	if len(s.waiting) != 0 {
		t.Errorf("%v wait for ever", s.waiting)
	}
}
