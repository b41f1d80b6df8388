// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"context"
	"testing"
	"time"
)

func TestAnEngineThatLetsCallsWaitGetsThemTogether(t *testing.T) {
	run(t, func(t *testing.T, b *bed) {
		b.waits = true
		for i := range 500 {
			b.say(id(i), func(context.Context) (*Sample, error) {
				time.Sleep(time.Until(time.Now().Add(time.Second).Truncate(time.Second))) // the next full second
				return b.usual(), nil
			})
		}
		b.set(some(500)...)
		if took := b.ready(t); took > 2*time.Second {
			t.Errorf("the first reader waited for %s", took)
		}
		if b.countShown(t) != 500 || b.cpu(t, 499) != "1" {
			t.Errorf("%d containers are shown, one with %q", b.countShown(t), b.cpu(t, 499))
		}
	})
}

func TestAnEngineThatLetsCallsWaitHasTimeForAllContainers(t *testing.T) {
	run(t, func(t *testing.T, b *bed) {
		b.waits = true
		for i := range 500 {
			b.say(id(i), func(ctx context.Context) (*Sample, error) {
				select {
				case <-time.After(time.Second + time.Duration(i)*5*time.Millisecond):
					return b.usual(), nil
				case <-ctx.Done():
					return nil, ctx.Err()
				}
			})
		}
		b.set(some(500)...)
		if took := b.ready(t); took > readyTimeout {
			t.Errorf("the first reader waited for %s", took)
		}
		if b.countShown(t) != 500 || b.cpu(t, 499) != "1" || len(b.made()) != 1000 {
			t.Errorf("%d containers are shown, one with %q", b.countShown(t), b.cpu(t, 499))
		}
	})
}

func TestOneStuckContainerHoldsUpNobody(t *testing.T) {
	run(t, func(t *testing.T, b *bed) {
		b.say(id(0), stuck)
		b.set(some(100)...)
		if took := b.ready(t); took != slow {
			t.Errorf("the first reader waited for %s", took)
		}
		if b.countShown(t) != 99 || b.cpu(t, 99) != "1" {
			t.Errorf("%d containers are shown", b.countShown(t))
		}
		time.Sleep(askTimeout)
		for range 3 {
			if took := b.ready(t); took != 0 {
				t.Errorf("a later reader waited for %s", took)
			}
			b.made()
			time.Sleep(period)
			if made := b.made(); len(made) != 100 {
				t.Errorf("%d calls in a period", len(made))
			}
		}
	})
}

func TestManyStuckContainersHoldUpTheOthersOnlyOnce(t *testing.T) {
	run(t, func(t *testing.T, b *bed) {
		for i := range 20 {
			b.say(id(i), stuck)
		}
		b.set(some(40)...)
		b.Hold()
		b.ready(t)
		time.Sleep(10 * period)
		for range 10 {
			b.made()
			time.Sleep(period)
			sampled := map[string]bool{}
			for _, made := range b.made() {
				sampled[made.id] = true
			}
			for i := 20; i < 40; i++ {
				if !sampled[id(i)] {
					t.Errorf("container %d was not sampled", i)
				}
			}
		}
	})
}

func TestAnOverloadedEngineIsShownAsFarAsItAnswers(t *testing.T) {
	run(t, func(t *testing.T, b *bed) {
		for i := range 200 {
			b.say(id(i), func(context.Context) (*Sample, error) {
				time.Sleep(600 * time.Millisecond)
				return b.usual(), nil
			})
		}
		b.set(some(200)...)
		if took := b.ready(t); took != readyTimeout {
			t.Errorf("it took %s", took)
		}
		if shown := b.countShown(t); shown < 100 || shown == 200 {
			t.Errorf("%d containers are shown", shown)
		}
		time.Sleep(40 * time.Second)
		if b.countShown(t) != 200 || b.cpu(t, 199) != "1" {
			t.Errorf("later %d containers are shown", b.countShown(t))
		}
	})
}
