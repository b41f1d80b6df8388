// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package history is what the clients and the writers of a run saw and did, for the checkers to judge.
package history

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// Object is one object as a client was shown it.
type Object struct {
	Name    string            `json:"name"`
	UID     string            `json:"uid"`
	Version uint64            `json:"version"`
	Labels  map[string]string `json:"labels,omitempty"`
	Fields  map[string]string `json:"fields,omitempty"`
	// Digest tells objects apart that differ in more than their version.
	Digest string `json:"digest"`
}

// ObjectOf returns what is kept of an object.
func ObjectOf(object runtime.Object) (Object, error) {
	copied := object.DeepCopyObject()
	m, ok := copied.(metav1.Object)
	if !ok {
		return Object{}, fmt.Errorf("%T is no API object", object)
	}
	version, err := ParseVersion(m.GetResourceVersion())
	if err != nil {
		return Object{}, fmt.Errorf("%T %s: %w", object, m.GetName(), err)
	}
	m.SetResourceVersion("")
	copied.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
	content, err := json.Marshal(copied)
	if err != nil {
		return Object{}, fmt.Errorf("%T %s: %w", object, m.GetName(), err)
	}
	sum := sha256.Sum256(content)
	return Object{Name: m.GetName(), UID: string(m.GetUID()), Version: version, Labels: m.GetLabels(), Fields: fieldsOf(object),
		Digest: hex.EncodeToString(sum[:8])}, nil
}

// fieldsOf returns fields that clients select by and registers are read from.
func fieldsOf(object runtime.Object) map[string]string {
	switch o := object.(type) {
	case *v1alpha1.Container:
		return map[string]string{"status.status": string(o.Status.Status), "spec.state": string(o.Spec.State), "status.id": o.Status.ID}
	case *v1alpha1.Image:
		return map[string]string{"status.id": o.Status.ID}
	case *v1alpha1.Volume:
		return map[string]string{"status.driver": o.Status.Driver}
	}
	return nil
}

// ParseVersion reads a resourceVersion.
func ParseVersion(version string) (uint64, error) {
	parsed, err := strconv.ParseUint(version, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("resourceVersion %q is not a decimal number that fits in an int64", version)
	}
	return parsed, nil
}

// Event is one event of a watch.
type Event struct {
	Type   watch.EventType `json:"type"`
	Object Object          `json:"object"`
	// InitialEventsEnd is true for the bookmark that ends the initial events.
	InitialEventsEnd bool `json:"initialEventsEnd,omitempty"`
	// Code and Message are those of an error.
	Code    int32  `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// Watch is one watch request, from its answer to its end.
type Watch struct {
	Client   string `json:"client"`
	Resource string `json:"resource"`
	// Run is which of the server's runs, one after another, answered.
	Run int `json:"run"`
	// LabelSelector and FieldSelector are as the request had them.
	LabelSelector string `json:"labelSelector,omitempty"`
	FieldSelector string `json:"fieldSelector,omitempty"`
	// From is the version that was asked for, FromRun the run that had handed it out.
	From    uint64 `json:"from"`
	FromRun int    `json:"fromRun"`
	// Initial is true if initial events were asked for, Bookmarks if bookmarks were.
	Initial   bool `json:"initial,omitempty"`
	Bookmarks bool `json:"bookmarks,omitempty"`
	// Cut is true if the watch was ended from outside: by its client, or with the server.
	Cut    bool    `json:"cut,omitempty"`
	Events []Event `json:"events"`
}

// Unfiltered is true if the watch shows all objects.
func (w *Watch) Unfiltered() bool { return w.LabelSelector == "" && w.FieldSelector == "" }

// Begin is the version after which the watch shows all that happens: the one that was asked for or, where initial events
// were, the one at their end. It is false where that is not known.
func (w *Watch) Begin() (version uint64, known bool) {
	if !w.Initial {
		return w.From, w.From > 0
	}
	for _, event := range w.Events {
		if event.InitialEventsEnd {
			return event.Object.Version, true
		}
	}
	return 0, false
}

// End is the newest version that the watch has shown.
func (w *Watch) End() uint64 {
	end, _ := w.Begin()
	for _, event := range w.Events {
		if event.Type != watch.Error {
			end = max(end, event.Object.Version)
		}
	}
	return end
}

// Changes returns the events after the initial ones that are neither bookmarks nor errors.
func (w *Watch) Changes() []Event {
	var changes []Event
	initial := w.Initial
	for _, event := range w.Events {
		switch {
		case event.InitialEventsEnd:
			initial = false
		case event.Type == watch.Bookmark, event.Type == watch.Error, initial:
		default:
			changes = append(changes, event)
		}
	}
	return changes
}

// List is one consistent list, however many pages it came in.
type List struct {
	Client   string   `json:"client"`
	Resource string   `json:"resource"`
	Run      int      `json:"run"`
	Version  uint64   `json:"version"`
	Pages    int      `json:"pages"`
	Objects  []Object `json:"objects"`
}

// Outcome says what is known of an operation's effect.
type Outcome string

const (
	// Done is the outcome of an operation that was answered and has had its effect.
	Done Outcome = "done"
	// Unknown is the outcome of one that may have its effect at any time after its call, once, or never.
	Unknown Outcome = "unknown"
	// Maybe is the outcome of one that has had its effect when it has returned, or never will.
	Maybe Outcome = "maybe"
)

// Read is the action of an operation that reads a register.
const Read = "read"

// Absent is the value of a register that nothing is in.
const Absent = "absent"

// Operation is what a writer did to a register, or what a reader read from it. A register is what can be known of one
// object by one identity: the status of a container ID, the image behind a tag, and so on.
type Operation struct {
	Client   string        `json:"client"`
	Kind     string        `json:"kind"`
	Register string        `json:"register"`
	Action   string        `json:"action"`
	Value    string        `json:"value,omitempty"` // what was read or written
	Call     time.Duration `json:"call"`            // since the history began
	Return   time.Duration `json:"return"`
	Outcome  Outcome       `json:"outcome"`
}

// History is everything that was seen and done.
type History struct {
	Watches    []*Watch
	Lists      []*List
	Operations []Operation
}

// Recorder collects a history from many goroutines.
type Recorder struct {
	began time.Time

	mu      sync.Mutex
	history History
}

// NewRecorder begins a history.
func NewRecorder() *Recorder { return &Recorder{began: time.Now()} }

// Now is how long the history has been going on.
func (r *Recorder) Now() time.Duration { return time.Since(r.began) }

// Watch adds a watch that has ended.
func (r *Recorder) Watch(w *Watch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history.Watches = append(r.history.Watches, w)
}

// List adds a list.
func (r *Recorder) List(l *List) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history.Lists = append(r.history.Lists, l)
}

// Operations adds operations.
func (r *Recorder) Operations(operations ...Operation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history.Operations = append(r.history.Operations, operations...)
}

// History returns what was collected. Nothing may be added any more.
func (r *Recorder) History() *History {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &r.history
}
