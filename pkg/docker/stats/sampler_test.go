// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
)

func TestNothingIsSampledUntilSomebodyAsks(t *testing.T) {
	run(t, func(t *testing.T, b *bed) {
		b.set(some(3)...)
		time.Sleep(time.Hour)
		b.set(some(4)...)
		time.Sleep(time.Hour)
		if made := b.made(); len(made) > 0 {
			t.Errorf("%v", made)
		}
	})
}

func TestTheFirstReaderWaitsForTwoSamplesHalfASecondApart(t *testing.T) {
	run(t, func(t *testing.T, b *bed) {
		b.set(container(1))
		if took := b.ready(t); took != firstPeriod {
			t.Errorf("it took %s", took)
		}
		if made := b.made(); !slices.Equal(made, []call{{id(1), 0}, {id(1), 500 * time.Millisecond}}) {
			t.Errorf("%v", made)
		}
		if m := b.shown(t, 1); m.Usage.CPU.String() != "1" || m.Window.Duration != firstPeriod || m.Usage.Memory.String() != "1Mi" {
			t.Errorf("%+v", m)
		}
		if took := b.ready(t); took != 0 {
			t.Errorf("the second reader waited for %s", took)
		}
	})
}

func TestTheSamplesGoOnForAMinuteAfterARead(t *testing.T) {
	run(t, func(t *testing.T, b *bed) {
		b.set(container(1))
		b.ready(t)
		b.made()
		time.Sleep(time.Hour)
		var after []time.Duration
		for _, c := range b.made() {
			after = append(after, c.after)
		}
		// The reader asked at the beginning.
		if want := []time.Duration{15500 * time.Millisecond, 30500 * time.Millisecond, 45500 * time.Millisecond}; !slices.Equal(after, want) {
			t.Errorf("samples after %v, want %v", after, want)
		}
		if b.shown(t, 1) != nil || len(b.Measured()) > 0 {
			t.Error("an old sample is shown")
		}
		if took := b.ready(t); took != firstPeriod || b.cpu(t, 1) != "1" {
			t.Errorf("the next reader waited for %s and saw %q", took, b.cpu(t, 1))
		}
	})
}

func TestTheSamplesGoOnWhileSomebodyWatches(t *testing.T) {
	run(t, func(t *testing.T, b *bed) {
		b.set(container(1))
		release := b.Hold()
		b.ready(t)
		b.made()
		time.Sleep(10 * time.Minute)
		if made := b.made(); len(made) != 10*4-1 && len(made) != 10*4 {
			t.Errorf("%d samples in ten minutes", len(made))
		}
		release()
		release() // the second time it does nothing
		time.Sleep(2 * time.Minute)
		b.made()
		time.Sleep(time.Hour)
		if made := b.made(); len(made) > 0 || b.countShown(t) > 0 {
			t.Errorf("after the watch: %v", made)
		}
	})
}

func TestAtMostEightCallsAreMadeAtATime(t *testing.T) {
	run(t, func(t *testing.T, b *bed) {
		for i := range 40 {
			b.say(id(i), func(context.Context) (*Sample, error) {
				time.Sleep(100 * time.Millisecond)
				return b.usual(), nil
			})
		}
		b.set(some(40)...)
		if took := b.ready(t); took != time.Second {
			t.Errorf("two rounds of 40 calls took %s", took)
		}
		if b.most != together || b.countShown(t) != 40 {
			t.Errorf("%d calls at a time, %d containers", b.most, b.countShown(t))
		}
	})
}

func TestAReaderWaitsForAContainerThatHasJustBegun(t *testing.T) {
	run(t, func(t *testing.T, b *bed) {
		b.set(container(1))
		b.ready(t)
		b.set(container(1), container(2))
		if took := b.ready(t); took != firstPeriod || b.cpu(t, 2) != "1" {
			t.Errorf("it took %s, and shows %q", took, b.cpu(t, 2))
		}
	})
}

func TestAWatchShowsContainersThatComeAndGo(t *testing.T) {
	run(t, func(t *testing.T, b *bed) {
		b.Hold()
		b.ready(t)
		b.set(container(1))
		time.Sleep(followPause + firstPeriod)
		synctest.Wait()
		if b.cpu(t, 1) != "1" {
			t.Error("a container that came is not shown")
		}
		renamed := container(1)
		renamed.Name = "other"
		b.set(renamed)
		time.Sleep(followPause)
		synctest.Wait()
		if m := b.shown(t, 1); m.Name != "other" || m.Usage.CPU.String() != "1" {
			t.Errorf("a container with another name shows as %+v", m)
		}
		b.set()
		time.Sleep(followPause)
		synctest.Wait()
		if b.shown(t, 1) != nil || !slices.Contains(b.marked, id(1)) {
			t.Error("a container that went is shown")
		}
	})
}

func TestARestartIsNoNegativeRate(t *testing.T) {
	for what, restart := range map[string]func(*bed, Container){
		"that the server has not seen": func(*bed, Container) {},
		"that the server has seen": func(b *bed, c Container) {
			c.Started = metav1.NewTime(time.Now())
			b.set(c)
		},
	} {
		run(t, func(t *testing.T, b *bed) {
			b.set(container(1))
			b.Hold()
			b.ready(t)
			restarted := time.Now()
			b.say(id(1), func(context.Context) (*Sample, error) {
				sample := b.usual()
				*sample.CPU = uint64(time.Since(restarted)) / 2
				return sample, nil
			})
			restart(b, container(1))
			for range 60 {
				time.Sleep(250 * time.Millisecond)
				synctest.Wait()
				if got := b.cpu(t, 1); got != "" && got != "1" && got != "500m" {
					t.Fatalf("a restart %s shows %s", what, got)
				}
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if got := b.cpu(t, 1); got != "500m" {
				t.Errorf("after a restart %s: %q", what, got)
			}
		})
	}
}

func TestAContainerThatEndsWhileItIsReadHasNoObject(t *testing.T) {
	run(t, func(t *testing.T, b *bed) {
		b.set(container(1), container(2))
		b.say(id(1), func(context.Context) (*Sample, error) { return nil, nil })
		b.ready(t)
		if b.shown(t, 1) != nil || b.shown(t, 2) == nil {
			t.Error("the wrong containers are shown")
		}
		if subject, err := b.Lookup(t.Context(), "engine/c1"); subject != "" || err != nil {
			t.Errorf("%q, %v", subject, err)
		}
		b.say(id(2), func(context.Context) (*Sample, error) { return nil, nil })
		b.ready(t)
		time.Sleep(period)
		synctest.Wait()
		if b.countShown(t) != 0 {
			t.Error("a container that has ended is shown")
		}
	})
}

func TestAnEngineThatTellsNothingIsAnError(t *testing.T) {
	run(t, func(t *testing.T, b *bed) {
		b.set(some(3)...)
		for i := range 3 {
			b.say(id(i), func(context.Context) (*Sample, error) { return nil, errRefused })
		}
		if err := b.Ready(t.Context()); !apierrors.IsServiceUnavailable(err) || !dockertest.Contains(err, "no stats here") {
			t.Errorf("%v", err)
		}
		b.set(append(some(3), container(4))...)
		b.ready(t)
		if _, err := b.Lookup(t.Context(), "engine/c1"); !apierrors.IsServiceUnavailable(err) || !dockertest.Contains(err, "no stats here") {
			t.Errorf("the error for one container is %v", err)
		}
		for _, name := range []string{"c4", id(4), id(4)[:12]} {
			if subject, err := b.Lookup(t.Context(), "engine/"+name); subject != id(4) || err != nil {
				t.Errorf("%s: %q, %v", name, subject, err)
			}
		}
		for _, key := range []string{"engine/c9", "other/c4"} {
			if subject, err := b.Lookup(t.Context(), key); subject != "" || err != nil {
				t.Errorf("%s: %q, %v", key, subject, err)
			}
		}
	})
}

func TestTheFirstReaderOfAStuckEngineGetsAnError(t *testing.T) {
	run(t, func(t *testing.T, b *bed) {
		b.set(container(1))
		b.say(id(1), stuck)
		if err := b.Ready(t.Context()); !apierrors.IsServiceUnavailable(err) || !dockertest.Contains(err, "no answer within 1.5s") {
			t.Errorf("%v", err)
		}
		if _, err := b.Lookup(t.Context(), "engine/c1"); !apierrors.IsServiceUnavailable(err) {
			t.Errorf("the error for the container is %v", err)
		}
		time.Sleep(askTimeout)
		if err := b.Ready(t.Context()); !dockertest.Contains(err, "no answer within 2s") {
			t.Errorf("later: %v", err)
		}
	})
}

func TestASampleIsShownForAMinuteAfterTheEngineHasGone(t *testing.T) {
	run(t, func(t *testing.T, b *bed) {
		b.set(container(1))
		b.Hold()
		b.ready(t)
		b.say(id(1), stuck)
		time.Sleep(oldest - period)
		if b.cpu(t, 1) != "1" {
			t.Error("the last sample is not shown")
		}
		time.Sleep(3 * period)
		if b.shown(t, 1) != nil {
			t.Error("an old sample is shown")
		}
		if err := b.Ready(t.Context()); !dockertest.Contains(err, "no answer within") {
			t.Errorf("%v", err)
		}
	})
}

func TestAReaderGetsTheErrorOfTheContainers(t *testing.T) {
	run(t, func(t *testing.T, b *bed) {
		b.unreadable = errRefused
		if err := b.Ready(t.Context()); err != errRefused {
			t.Errorf("%v", err)
		}
	})
}

func TestAReaderWaitsNoLongerThanItsRequest(t *testing.T) {
	run(t, func(t *testing.T, b *bed) {
		b.set(container(1))
		b.say(id(1), stuck)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if err := b.Ready(ctx); dockertest.Code(err) != 504 {
			t.Errorf("%v", err)
		}
		<-ctx.Done()
		for range 10 { // it may be chance whether the sampler or the end of the request is seen first
			if err := b.Ready(ctx); dockertest.Code(err) != 504 {
				t.Errorf("%v", err)
			}
		}
	})
}
