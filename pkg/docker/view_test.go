// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/volume"
	"k8s.io/apimachinery/pkg/runtime"
)

// view is a small store. It observes the marked subjects, one after the other.
type view struct {
	source Source
	ctx    context.Context

	mu          sync.Mutex
	changed     *sync.Cond
	dirty       []string
	busy        bool
	list        bool
	objects     map[string]map[string]runtime.Object // by subject, then by key
	marks       map[string]int
	lists       int
	resyncs     int
	listError   error // error of the last list
	unavailable error
	failures    []error
}

func newView(ctx context.Context, s Source) *view {
	v := &view{source: s, ctx: ctx, objects: map[string]map[string]runtime.Object{}, marks: map[string]int{}}
	v.changed = sync.NewCond(&v.mu)
	context.AfterFunc(ctx, v.changed.Broadcast)
	return v
}

func (v *view) run() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for {
		for v.ctx.Err() == nil && len(v.dirty) == 0 && !v.list {
			v.changed.Wait()
		}
		if v.ctx.Err() != nil {
			return
		}
		v.busy = true
		if v.list {
			v.list = false
			v.relist()
		} else {
			subject := v.dirty[0]
			v.dirty = v.dirty[1:]
			v.observe(subject)
		}
		v.busy = false
		v.changed.Broadcast()
	}
}

func (v *view) observe(subject string) {
	v.mu.Unlock()
	objects, related, err := v.source.Observe(v.ctx, subject)
	v.mu.Lock()
	if err != nil {
		v.failures = append(v.failures, err)
		return
	}
	v.dirty = append(v.dirty, related...)
	if len(objects) == 0 {
		delete(v.objects, subject)
		return
	}
	v.objects[subject] = objects
}

func (v *view) relist() {
	v.mu.Unlock()
	subjects, err := v.source.Subjects(v.ctx)
	v.mu.Lock()
	v.listError = err
	if err != nil {
		v.failures = append(v.failures, err)
		return
	}
	v.dirty = append(v.dirty, subjects...)
	v.dirty = append(v.dirty, slices.Collect(maps.Keys(v.objects))...)
}

func (v *view) MarkDirty(subject string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.marks[subject]++
	if !slices.Contains(v.dirty, subject) {
		v.dirty = append(v.dirty, subject)
	}
	v.changed.Broadcast()
}

func (v *view) MarkAllDirty() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.lists++
	v.list = true
	v.changed.Broadcast()
}

func (v *view) Resync(ctx context.Context) error {
	v.mu.Lock()
	v.list = true
	v.changed.Broadcast()
	v.mu.Unlock()
	v.settle()
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.listError != nil {
		return v.listError
	}
	v.resyncs++
	v.unavailable = nil
	v.changed.Broadcast()
	return ctx.Err()
}

func (v *view) SetUnavailable(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.unavailable = err
	v.changed.Broadcast()
}

// settle waits until every marked subject has been observed.
func (v *view) settle() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for v.ctx.Err() == nil && (v.busy || v.list || len(v.dirty) > 0) {
		v.changed.Wait()
	}
}

// get returns an object as a live read does, after a fence.
func (v *view) get(t *testing.T, name string) runtime.Object {
	t.Helper()
	if err := v.source.Fence(t.Context()); err != nil {
		t.Fatalf("fence: %v", err)
	}
	v.settle()
	return v.held(name)
}

// held returns the object that the view holds. It asks nobody.
func (v *view) held(name string) runtime.Object {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, objects := range v.objects {
		if object := objects["engine/"+name]; object != nil {
			return object
		}
	}
	return nil
}

// marked returns how often the subject was marked since the last call.
func (v *view) marked(subject string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := v.marksOf(subject)
	maps.DeleteFunc(v.marks, func(marked string, _ int) bool { return isAbout(marked, subject) })
	return n
}

// marksOf returns how often the subject was marked. The caller must hold the lock. Unlike marked, it does not reset the
// count.
func (v *view) marksOf(subject string) (n int) {
	for marked, count := range v.marks {
		if isAbout(marked, subject) {
			n += count
		}
	}
	return n
}

// isAbout reports whether a mark is about the subject. For a volume, subject may be its name: then a mark of any of its
// lives counts.
func isAbout(marked, subject string) bool {
	_, volume, _ := strings.Cut(marked, "/")
	return marked == subject || volume == subject
}

// newestMark returns the marked subject of the newest volume with a name.
func (v *view) newestMark(name string) (newest string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	last := -1
	for subject := range v.marks {
		number, volume, _ := strings.Cut(subject, "/")
		if n, err := strconv.Atoi(number); err == nil && volume == name && n > last {
			last, newest = n, subject
		}
	}
	return newest
}

// waitFor waits until the condition is true. It calls the condition with the lock held.
func (v *view) waitFor(t *testing.T, what string, condition func() bool) {
	t.Helper()
	eventually(t, what, func() bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		return condition()
	})
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting for: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func volumeOptions(name string) volume.CreateOptions { return volume.CreateOptions{Name: name} }

var errGone = errors.New("gone")

func second[T any](_ T, err error) error { return err }

func third[T, U any](_ T, _ U, err error) error { return err }
