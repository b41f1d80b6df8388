// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package volumes

import (
	"cmp"
	"strconv"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/lru"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// life is what is known about one volume, from its creation to its removal. Docker gives volumes no IDs. Two volumes
// with the same name, one after the other, can look the same.
type life struct {
	// number is unique to this life.
	number uint64
	// uses counts how often the subject was handed out.
	uses uint64

	// driver is "" if it is not known yet.
	driver string
	// uid is the volume's uid as last shown. created is the earliest creation time that the engine has told with this uid.
	uid     types.UID
	created *metav1.Time
}

func (l *life) subject(name string) string { return strconv.FormatUint(l.number, 10) + "/" + name }

// removal identifies the removal of a volume. nano is its time by the engine's clock, which can go back.
type removal struct {
	name string
	nano int64
}

// rememberedRemovals is how many removals lives remembers. An engine's log holds 256 events.
const rememberedRemovals = 1024

// lives holds the lives of the volumes that exist, by name. The subject of a volume is the number of its life, a slash
// and its name.
type lives struct {
	mu     sync.Mutex
	byName map[string]*life
	last   uint64 // the number of the newest life
	// removals holds the removals that were heard. Each new connection brings the event log again. A removal that was
	// heard before ended an earlier life.
	removals *lru.Cache
}

// heard takes in an event about a volume. nano is the event's time by the engine's clock. heard returns the subjects that
// the event makes dirty.
func (l *lives) heard(name string, isRemoval bool, nano int64) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	ended := l.byName[name]
	if !isRemoval || !l.isNewLocked(removal{name, nano}) || ended == nil {
		return []string{l.useLocked(name, "")}
	}
	delete(l.byName, name)
	return []string{ended.subject(name), l.useLocked(name, "")}
}

// isNewLocked reports whether a removal was not heard before. It remembers the removal.
func (l *lives) isNewLocked(r removal) bool {
	if l.removals == nil {
		l.removals = lru.New(rememberedRemovals)
	}
	_, known := l.removals.Get(r)
	l.removals.Add(r, nil)
	return !known
}

// use returns the subject of the volume that has the name now. If the name may be new, the caller must have passed a
// fence before it saw the volume. Otherwise the removal of an earlier volume could be taken for the removal of this
// one.
func (l *lives) use(name, driver string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.useLocked(name, driver)
}

func (l *lives) useLocked(name, driver string) string {
	if l.byName == nil {
		l.byName = map[string]*life{}
	}
	known := l.byName[name]
	if known == nil {
		l.last++
		known = &life{number: l.last}
		l.byName[name] = known
	}
	known.driver = cmp.Or(known.driver, driver)
	known.uses++
	return known.subject(name)
}

// of returns a copy of the life of a subject, and the volume's name. ok is false if that life has ended.
func (l *lives) of(subject string) (known life, name string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, name, _ = strings.Cut(subject, "/")
	current := l.byName[name]
	if current == nil || current.subject(name) != subject {
		return life{}, name, false
	}
	return *current, name, true
}

// current returns the subjects of those of the volumes that are known.
func (l *lives) current(names []string) (subjects []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, name := range names {
		if known := l.byName[name]; known != nil {
			subjects = append(subjects, known.subject(name))
		}
	}
	return subjects
}

// has reports whether a volume with that name is known.
func (l *lives) has(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byName[name] != nil
}

// end forgets a life whose volume was not found. It does nothing if the subject has been handed out since.
func (l *lives) end(seen life, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if current := l.byName[name]; current != nil && current.number == seen.number && current.uses == seen.uses {
		delete(l.byName, name)
	}
}

// show completes an object from the life of its subject. The creation time is the earliest that was seen. Engines before
// Docker 23 change it with the volume's content, and with what is mounted there. If isBest is false, the answer may lack
// details, so another uid does not prove that this is another volume. show returns false if the life has ended.
func (l *lives) show(subject string, object *v1alpha1.Volume, isBest bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.byName[object.Status.Name]
	if known == nil || known.subject(object.Status.Name) != subject {
		return false
	}
	if !isBest && known.driver == object.Status.Driver && known.uid != "" {
		object.UID = known.uid
	}
	told := object.Status.CreatedAt
	if known.uid != object.UID || known.created == nil || told != nil && told.Before(known.created) {
		known.driver, known.uid, known.created = object.Status.Driver, object.UID, told
	}
	if known.created != nil {
		object.Status.CreatedAt, object.CreationTimestamp = known.created.DeepCopy(), *known.created
	}
	return true
}
