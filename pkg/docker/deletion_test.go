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
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// filter answers a request in place of the engine and returns true. If it returns false, the engine answers.
type filter func(http.ResponseWriter, *http.Request) bool

// connectFiltered connects to the shared engine through a proxy. The proxy does not pass on a request that refuse answers.
func connectFiltered(t *testing.T, refuse filter) *connected {
	t.Helper()
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: "engine"}) },
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", strings.TrimPrefix(shared.Host(), "unix://"))
		}},
		FlushInterval: -1,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !refuse(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.CloseClientConnections)
	x := connectTo(t, "tcp://"+server.Listener.Addr().String(), nil)
	x.awaitConnection(t)
	return x
}

// stopTheClock stops the clock of deletions, so that they wait for Docker's answer without a time limit. The test can step the
// clock that it returns.
func (x *connected) stopTheClock() *clocktesting.FakeClock {
	stopped := clocktesting.NewFakeClock(clock.RealClock{}.Now())
	x.Containers().Clock = stopped
	return stopped
}

func isStop(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/stop") }

func isWait(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/wait") }

func isRemoval(r *http.Request) bool { return r.Method == http.MethodDelete }

func refusing(match func(*http.Request) bool, code int, message string) filter {
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
	x.stopTheClock()
	name := engine.UniqueName("refused")
	shared.Run(t, name)
	for _, grace := range []int64{30, 1} {
		err := x.update(t, t.Context(), name, deletion(grace))
		if dockertest.Code(err) != http.StatusForbidden || !dockertest.Contains(err, "the filter says no") {
			t.Errorf("delete with a grace period of %d seconds: %v", grace, err)
		}
		c := x.c.held(name).(*v1alpha1.Container)
		if c.DeletionTimestamp != nil || c.Status.LastAction != nil || c.Status.Status != "running" {
			t.Errorf("after the delete with a grace period of %d seconds: %+v", grace, c)
		}
	}
}

func TestADeletionThatIsRefusedAsNotFoundIsAConflictWhileTheContainerIsThere(t *testing.T) {
	const words = "page not found"
	now := func(grace *int64) func(*connected, *v1alpha1.Container) error {
		return func(x *connected, c *v1alpha1.Container) error {
			ctx := source.WithDeleteOptions(t.Context(), &metav1.DeleteOptions{GracePeriodSeconds: grace})
			return x.Containers().Delete(ctx, c.Status.ID, c)
		}
	}
	gracefully := func(x *connected, c *v1alpha1.Container) error { return x.update(t, t.Context(), c.Name, deletion(1)) }
	whileDeleted := func(x *connected, c *v1alpha1.Container) error {
		deletion(30)(c)
		return now(new(int64))(x, c)
	}
	underWay := refusing(isRemoval, http.StatusConflict, "removal of container x is already in progress")
	for what, test := range map[string]struct {
		filters []filter
		delete  func(*connected, *v1alpha1.Container) error
	}{
		"stop":                               {[]filter{refusing(isStop, http.StatusNotFound, words)}, gracefully},
		"removal after the stop":             {[]filter{refusing(isRemoval, http.StatusNotFound, words)}, gracefully},
		"removal":                            {[]filter{refusing(isRemoval, http.StatusNotFound, words)}, now(nil)},
		"removal during a graceful deletion": {[]filter{refusing(isRemoval, http.StatusNotFound, words)}, whileDeleted},
		"wait for another removal":           {[]filter{underWay, refusing(isWait, http.StatusNotFound, words)}, now(nil)},
	} {
		t.Run(what, func(t *testing.T) {
			x := connectFiltered(t, func(w http.ResponseWriter, r *http.Request) bool {
				return slices.ContainsFunc(test.filters, func(refuse filter) bool { return refuse(w, r) })
			})
			x.stopTheClock()
			name := engine.UniqueName("found")
			shared.Run(t, name)
			if err := test.delete(x, x.container(t, name)); dockertest.Code(err) != http.StatusConflict || !dockertest.Contains(err, words) {
				t.Errorf("%v", err)
			}
			if c := x.container(t, name); c == nil || c.DeletionTimestamp != nil {
				t.Errorf("%+v", c)
			}
		})
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
	fakeClock := x.stopTheClock()
	name := engine.UniqueName("late")
	shared.Run(t, name)
	updated := make(chan error, 1)
	before := x.container(t, name)
	after := before.DeepCopy()
	deletion(30)(after)
	go func() { updated <- x.Containers().Update(t.Context(), before.Status.ID, before, after) }()
	<-asked
	eventually(t, "the timer", fakeClock.HasWaiters)
	fakeClock.Step(time.Minute)
	dockertest.Must(t, <-updated)
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
	x.stopTheClock()
	name := engine.UniqueName("pinned")
	shared.Run(t, name, engine.Command(engine.Stubborn...))
	if err := x.update(t, t.Context(), name, deletion(1)); dockertest.Code(err) != http.StatusInternalServerError || !dockertest.Contains(err, cannotRemove) {
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
	dockertest.Must(t, x.update(t, t.Context(), name, deletion(30)))
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
	x.stopTheClock()
	name := engine.UniqueName("twice")
	id := shared.Run(t, name, engine.Command(engine.Stubborn...))
	dockertest.Must(t, x.update(t, t.Context(), name, deletion(3600)))
	if err := x.update(t, t.Context(), name, deletion(1)); dockertest.Code(err) != http.StatusForbidden || !dockertest.Contains(err, "not twice") {
		t.Errorf("%v", err)
	}
	if c := x.c.held(name).(*v1alpha1.Container); c.DeletionTimestamp == nil || *c.DeletionGracePeriodSeconds != 3600 {
		t.Errorf("%+v", c.ObjectMeta)
	}
	dockertest.Must(t, x.docker.ContainerKill(t.Context(), id, "KILL"))
	eventually(t, "the removal", func() bool { return x.c.held(name) == nil })
}

// connectRefusingTheSecondStop connects to the shared engine through a proxy. The proxy closes asked when it gets the
// second stop request, and refuses it once answered is closed.
func connectRefusingTheSecondStop(t *testing.T) (x *connected, asked, answered chan struct{}) {
	t.Helper()
	var stops atomic.Int32
	asked, answered = make(chan struct{}), make(chan struct{})
	refuse := refusing(isStop, http.StatusForbidden, "not twice")
	return connectFiltered(t, func(w http.ResponseWriter, r *http.Request) bool {
		if !isStop(r) || stops.Add(1) == 1 {
			return false
		}
		close(asked)
		<-answered
		return refuse(w, r)
	}), asked, answered
}

// shortenADeletion deletes a container within an hour and then within half an hour. updated brings the answer to the
// second request.
func (x *connected) shortenADeletion(t *testing.T) (name, id string, updated <-chan error) {
	t.Helper()
	name = engine.UniqueName("shortened")
	id = shared.Run(t, name, engine.Command(engine.Stubborn...))
	dockertest.Must(t, x.update(t, t.Context(), name, deletion(3600)))
	before := x.container(t, name)
	after := before.DeepCopy()
	deletion(1800)(after)
	result := make(chan error, 1)
	go func() { result <- x.Containers().Update(t.Context(), id, before, after) }()
	return name, id, result
}

func TestASignalDoesNotAcceptAShorterGracePeriod(t *testing.T) {
	x, asked, answered := connectRefusingTheSecondStop(t)
	x.stopTheClock()
	name, id, updated := x.shortenADeletion(t)
	<-asked
	dockertest.Must(t, x.docker.ContainerKill(t.Context(), id, "HUP"))
	dockertest.Must(t, x.Fence(t.Context())) // the server has heard of the signal
	close(answered)
	if err := <-updated; dockertest.Code(err) != http.StatusForbidden || !dockertest.Contains(err, "not twice") {
		t.Errorf("%v", err)
	}
	dockertest.Must(t, x.docker.ContainerKill(t.Context(), id, "KILL"))
	eventually(t, "the removal", func() bool { return x.c.held(name) == nil })
}

func TestAShorterGracePeriodThatIsRefusedLateIsTakenBack(t *testing.T) {
	x, asked, answered := connectRefusingTheSecondStop(t)
	fakeClock := x.stopTheClock()
	name, id, updated := x.shortenADeletion(t)
	<-asked
	eventually(t, "the timer", fakeClock.HasWaiters)
	fakeClock.Step(time.Minute)
	dockertest.Must(t, <-updated)
	eventually(t, "the shorter grace period", func() bool { return *x.c.held(name).(*v1alpha1.Container).DeletionGracePeriodSeconds == 1800 })
	close(answered)
	eventually(t, "the refusal", func() bool { return *x.c.held(name).(*v1alpha1.Container).DeletionGracePeriodSeconds == 3600 })
	dockertest.Must(t, x.docker.ContainerKill(t.Context(), id, "KILL"))
	eventually(t, "the removal", func() bool { return x.c.held(name) == nil })
}
