// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package volumes

import (
	"slices"
	"testing"

	"github.com/docker/docker/api/types/volume"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
)

// heard is an event about a volume, as lives hears it.
type heard struct {
	name      string
	isRemoval bool
	nano      int64
}

func (h heard) by(l *lives) []string { return l.heard(h.name, h.isRemoval, h.nano) }

func created(nano int64) heard { return heard{name: "data", nano: nano} }

func removed(nano int64) heard { return heard{name: "data", isRemoval: true, nano: nano} }

func TestTheLivesOfAVolume(t *testing.T) {
	for what, test := range map[string]struct {
		events []heard
		// ends is true if the last event ends the life that the others began.
		ends bool
	}{
		"a removal":                                 {events: []heard{created(1), removed(2)}, ends: true},
		"a creation of one that is there":           {events: []heard{created(1), created(2)}},
		"a removal and a creation":                  {events: []heard{created(1), removed(2), created(3)}},
		"a removal that was heard before":           {events: []heard{created(1), removed(2), created(3), removed(2)}},
		"the first removal of two":                  {events: []heard{created(1), removed(2), removed(4), created(5), removed(2)}},
		"a removal before the creation was heard":   {events: []heard{removed(2), created(3), removed(2)}},
		"another removal":                           {events: []heard{removed(2), created(3), removed(4)}, ends: true},
		"a removal after the clock went back":       {events: []heard{created(8), removed(9), created(10), removed(5)}, ends: true},
		"a removal that another one overtook":       {events: []heard{{name: "other", isRemoval: true, nano: 5}, removed(4)}, ends: true},
		"a removal at the time of another one":      {events: []heard{{name: "other", isRemoval: true, nano: 5}, removed(5)}, ends: true},
		"a removal from before the clock went back": {events: []heard{created(8), removed(9), created(3), removed(4), created(5), removed(9)}},
	} {
		var l lives
		var before string
		var marked []string
		for i, event := range test.events {
			if i == len(test.events)-1 {
				before = l.use("data", "")
			}
			marked = event.by(&l)
		}
		after := l.use("data", "")
		if ends := before != after; ends != test.ends {
			t.Errorf("%s ends the life: %v", what, ends)
		}
		if !slices.Contains(marked, before) || !slices.Contains(marked, after) {
			t.Errorf("%s marks %q, not both %q and %q", what, marked, before, after)
		}
	}
}

func TestTheRemovalsOfOneEventLogAreRemembered(t *testing.T) {
	const logged = 256
	var l lives
	for i := range 2 * rememberedRemovals {
		removed(int64(i)).by(&l)
	}
	if got := l.removals.Len(); got != rememberedRemovals {
		t.Errorf("it remembers %d removals", got)
	}
	subject := l.use("data", "")
	for i := range logged {
		removed(int64(2*rememberedRemovals - logged + i)).by(&l)
	}
	if l.use("data", "") != subject {
		t.Error("a removal that was heard before ends a life")
	}
}

func TestALifeIsOverOnceItWasSeenToBe(t *testing.T) {
	var l lives
	subject := l.use("data", "")
	seen, name, _ := l.of(subject)
	l.end(seen, name)
	if _, _, ok := l.of(subject); ok || len(l.byName) != 0 {
		t.Error("the life has not ended")
	}
	if l.use("data", "") == subject {
		t.Error("the next life has the same subject")
	}
}

func TestALifeThatBeganAnewWhileItWasLookedForIsNotOver(t *testing.T) {
	var l lives
	subject := l.use("data", "")
	seen, name, _ := l.of(subject)
	created(1).by(&l)
	l.end(seen, name)
	if _, _, ok := l.of(subject); !ok {
		t.Error("the life ended, so its marked subject will not be observed")
	}
}

// shownIn returns the uid and the creation time that a volume shows in its current life.
func shownIn(t *testing.T, l *lives, v volume.Volume, dated, isBest bool) (uid, createdAt string) {
	t.Helper()
	object := volumeOf(&v, "engine", habits{dates: dated})
	if !l.show(l.use(v.Name, ""), object, isBest) {
		t.Fatal("the life has ended")
	}
	if !object.CreationTimestamp.Equal(object.Status.CreatedAt) {
		t.Errorf("the creation times are %v and %v", object.CreationTimestamp, object.Status.CreatedAt)
	}
	return string(object.UID), object.CreationTimestamp.UTC().Format("15:04:05")
}

func TestACreationTimeThatMovesIsShownAsItWasFirst(t *testing.T) {
	var l lives
	uid, at := shownIn(t, &l, localVolume(), false, true)
	written := localVolume()
	written.CreatedAt = dockertest.FinishedAt
	if nowUID, now := shownIn(t, &l, written, false, true); nowUID != uid || now != at {
		t.Errorf("created at %s with the uid %s, after a write at %s with %s", at, uid, now, nowUID)
	}
	removed(1).by(&l)
	if _, now := shownIn(t, &l, written, false, true); now == at {
		t.Error("a new volume shows the creation time of the former one")
	}
}

func TestAnEarlierCreationTimeIsShown(t *testing.T) {
	var l lives
	mounted := localVolume()
	mounted.CreatedAt = dockertest.FinishedAt // that of what is mounted there
	_, first := shownIn(t, &l, mounted, false, true)
	if _, now := shownIn(t, &l, localVolume(), false, true); now >= first {
		t.Errorf("created at %s, and then at %s", first, now)
	}
}

func TestACreationTimeThatTellsAnotherVolumeIsShown(t *testing.T) {
	var l lives
	uid, at := shownIn(t, &l, localVolume(), true, true)
	another := localVolume()
	another.CreatedAt = dockertest.FinishedAt
	if nowUID, now := shownIn(t, &l, another, true, true); nowUID == uid || now == at {
		t.Errorf("one volume was created at %s with the uid %s, another one at %s with %s", at, uid, now, nowUID)
	}
}

func TestAListThatTellsLessIsNoProofOfAnotherVolume(t *testing.T) {
	var l lives
	v := localVolume()
	v.Driver = "plugin"
	uid, _ := shownIn(t, &l, v, true, true)
	v.Labels, v.Options, v.Scope = nil, nil, "" // the list of a plugin that is down
	if now, _ := shownIn(t, &l, v, true, false); now != uid {
		t.Error("the uid changes")
	}
}
