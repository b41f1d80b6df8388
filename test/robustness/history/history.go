// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package history records what the clients and the writers of a run saw and did. The checkers check it.
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

// Object is the state of an object that a client saw.
type Object struct {
	Name    string            `json:"name"`
	UID     string            `json:"uid"`
	Version uint64            `json:"version"`
	Labels  map[string]string `json:"labels,omitempty"`
	Fields  map[string]string `json:"fields,omitempty"`
	// Digest is a hash of the object without its version.
	Digest string `json:"digest"`
}

// ObjectOf returns the part of an object that a history keeps.
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

// fieldsOf returns the fields that clients select by and that registers are read from.
func fieldsOf(object runtime.Object) map[string]string {
	switch o := object.(type) {
	case *v1alpha1.Container:
		return map[string]string{"status.status": string(o.Status.Status), "spec.state": string(o.Spec.State), "status.id": o.Status.ID}
	case *v1alpha1.Image:
		return map[string]string{"status.id": o.Status.ID}
	case *v1alpha1.Network:
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
	// Run is the number of the server's run that answered. Each start of the server is a new run.
	Run int `json:"run"`
	// LabelSelector and FieldSelector are as the request had them.
	LabelSelector string `json:"labelSelector,omitempty"`
	FieldSelector string `json:"fieldSelector,omitempty"`
	// From is the version in the request, FromRun the run that the version comes from.
	From    uint64 `json:"from"`
	FromRun int    `json:"fromRun"`
	// Initial is true if the client asked for initial events, Bookmarks if it asked for bookmarks.
	Initial   bool `json:"initial,omitempty"`
	Bookmarks bool `json:"bookmarks,omitempty"`
	// Cut is true if the client ended the watch, or if the server was killed.
	Cut    bool    `json:"cut,omitempty"`
	Events []Event `json:"events"`
}

// Unfiltered reports whether the watch shows all objects.
func (w *Watch) Unfiltered() bool { return w.LabelSelector == "" && w.FieldSelector == "" }

// Begin returns the version after which the watch shows every change: the version in the request or, with initial events, the
// version at their end. It returns false if the version is not known.
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

// End returns the newest version that the watch has shown.
func (w *Watch) End() uint64 {
	end, _ := w.Begin()
	for _, event := range w.Events {
		if event.Type != watch.Error {
			end = max(end, event.Object.Version)
		}
	}
	return end
}

// Changes returns the events after the initial events, without bookmarks and errors.
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

// List is one consistent list, of one or more pages.
type List struct {
	Client   string   `json:"client"`
	Resource string   `json:"resource"`
	Run      int      `json:"run"`
	Version  uint64   `json:"version"`
	Pages    int      `json:"pages"`
	Objects  []Object `json:"objects"`
}

// Outcome is what is known of an operation's effect.
type Outcome string

const (
	// Done means that the operation took effect between its call and its return.
	Done Outcome = "done"
	// Unknown means that the operation takes effect once at any time after its call, or never.
	Unknown Outcome = "unknown"
	// Maybe means that the operation took effect between its call and its return, or never does.
	Maybe Outcome = "maybe"
)

// Read is the action of an operation that reads a register.
const Read = "read"

// Absent is the value of a register whose object does not exist.
const Absent = "absent"

// Operation is one write to a register or one read of it. A register is one fact about one identity, such as the status of the
// container with one ID, or the image behind one tag.
type Operation struct {
	Client   string        `json:"client"`
	Kind     string        `json:"kind"`
	Register string        `json:"register"`
	Action   string        `json:"action"`
	Value    string        `json:"value,omitempty"` // the value that was read or written
	Call     time.Duration `json:"call"`            // time since the history began
	Return   time.Duration `json:"return"`
	Outcome  Outcome       `json:"outcome"`
}

// History is everything that the clients saw and the writers did.
type History struct {
	Watches    []*Watch
	Lists      []*List
	Operations []Operation
	Streams    []*Stream
	Requests   []*Request
	Creations  []*Creation
}

// Recorder collects a history from many goroutines.
type Recorder struct {
	began time.Time

	mu      sync.Mutex
	history History
}

// NewRecorder starts a history.
func NewRecorder() *Recorder { return &Recorder{began: time.Now()} }

// Now returns the time since the history began.
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

// Stream adds a stream that has ended.
func (r *Recorder) Stream(s *Stream) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history.Streams = append(r.history.Streams, s)
}

// Request adds a request to pull or push whose end its client saw.
func (r *Recorder) Request(request *Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history.Requests = append(r.history.Requests, request)
}

// Creation adds a creation.
func (r *Recorder) Creation(creation *Creation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history.Creations = append(r.history.Creations, creation)
}

// Operations adds operations.
func (r *Recorder) Operations(operations ...Operation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history.Operations = append(r.history.Operations, operations...)
}

// History returns the collected history. The caller must not add to the recorder after that.
func (r *Recorder) History() *History {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &r.history
}
