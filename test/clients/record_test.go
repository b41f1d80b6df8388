// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package clients_test

import (
	"fmt"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	typed "github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned/typed/containers/v1alpha1"
)

// age is a bit less than the shortest time for which client-go keeps a watch.
const age = 4 * time.Minute

// record has the requests that a client made, and the events that it got.
type record struct {
	// stored returns the objects of a resource in the client's own store. For a client without a store, it returns the objects
	// that result from the events.
	stored func(resource string) []runtime.Object
	// byObject is true for a client that keeps the order of the events of one object, but not of different objects.
	byObject bool

	mu       sync.Mutex
	requests []string
	last     map[string]time.Time // of each request
	problems []string
	versions map[string]int64                     // version of the last event, by resource or by object
	objects  map[string]map[string]runtime.Object // by resource and name, as the events describe them
	events   map[types.UID][]watch.EventType
}

func newRecord() *record {
	r := &record{
		last:     map[string]time.Time{},
		versions: map[string]int64{},
		objects:  map[string]map[string]runtime.Object{},
		events:   map[types.UID][]watch.EventType{},
	}
	for _, resource := range resources {
		r.objects[resource] = map[string]runtime.Object{}
	}
	r.stored = func(resource string) []runtime.Object {
		r.mu.Lock()
		defer r.mu.Unlock()
		var objects []runtime.Object
		for _, object := range r.objects[resource] {
			objects = append(objects, object)
		}
		return objects
	}
	return r
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// wrap returns a transport that records the requests of a client.
func (r *record) wrap(rt http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		verb := "list "
		if request.URL.Query().Get("watch") == "true" {
			verb = "watch "
		}
		r.request(verb + path.Base(request.URL.Path))
		return rt.RoundTrip(request)
	})
}

// request records a request. It leaves out a watch that follows one of the same resource because that has reached its age.
func (r *record) request(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	last, again := r.last[text]
	r.last[text] = now
	if again && strings.HasPrefix(text, "watch ") && now.Sub(last) > age {
		return
	}
	r.requests = append(r.requests, text)
}

func (r *record) problem(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problemLocked(format, args...)
}

func (r *record) problemLocked(format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

// initial records an object that existed when the client began.
func (r *record) initial(resource string, object runtime.Object) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.objects[resource][object.(metav1.Object).GetName()] = object
}

// event records an event. It records a problem if the event does not fit the events before.
func (r *record) event(kind watch.EventType, resource string, object runtime.Object) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, ok := object.(metav1.Object)
	if !ok {
		r.problemLocked("%s of %s: %v", kind, resource, object)
		return
	}
	r.events[m.GetUID()] = append(r.events[m.GetUID()], kind)
	ordered := resource
	if r.byObject {
		ordered += "/" + m.GetName()
	}
	version, err := strconv.ParseInt(m.GetResourceVersion(), 10, 64)
	if err != nil || version <= r.versions[ordered] {
		r.problemLocked("%s of %s %s: version %q after %d", kind, resource, m.GetName(), m.GetResourceVersion(), r.versions[ordered])
	}
	r.versions[ordered] = version
	known := r.objects[resource][m.GetName()]
	if (kind == watch.Added) != (known == nil) || known != nil && known.(metav1.Object).GetUID() != m.GetUID() {
		r.problemLocked("%s of %s %s, but the client knew %v", kind, resource, m.GetName(), known)
	}
	r.objects[resource][m.GetName()] = object
	if kind == watch.Deleted {
		delete(r.objects[resource], m.GetName())
	}
}

// seen returns the events of one object.
func (r *record) seen(uid types.UID) []watch.EventType {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events[uid])
}

// allSeen returns the events of all objects.
func (r *record) allSeen() map[types.UID][]watch.EventType {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make(map[types.UID][]watch.EventType, len(r.events))
	for uid, events := range r.events {
		all[uid] = slices.Clone(events)
	}
	return all
}

// requireRequests fails if the client made other requests for a resource than these, or recorded a problem.
func (r *record) requireRequests(t testing.TB, verbs ...string) {
	t.Helper()
	var want []string
	for _, resource := range resources {
		for _, verb := range verbs {
			want = append(want, verb+" "+resource)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if got := slices.Sorted(slices.Values(r.requests)); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("requests %q, want %q", got, want)
	}
	for _, problem := range r.problems {
		t.Error(problem)
	}
}

// requireLive waits until the client knows what a live list shows.
func (r *record) requireLive(t testing.TB, client typed.ContainersV1alpha1Interface) {
	t.Helper()
	for _, resource := range resources {
		eventually(t, func() string {
			stored := byName(r.stored(resource))
			listed, err := live(t.Context(), client, resource)
			if err != nil {
				return err.Error()
			}
			if len(listed) > 0 && apiequality.Semantic.DeepEqual(stored, listed) {
				return ""
			}
			return fmt.Sprintf("%s differ from a live list (-known +listed):\n%s", resource, cmp.Diff(stored, listed))
		})
	}
}
