// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"
	"sync"
	"testing"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apiserver/pkg/apis/example"
	examplev1 "k8s.io/apiserver/pkg/apis/example/v1"
)

var (
	scheme = runtime.NewScheme()
	codecs = serializer.NewCodecFactory(scheme)
)

func init() {
	utilruntime.Must(example.AddToScheme(scheme))
	utilruntime.Must(examplev1.AddToScheme(scheme))
}

// memorySource keeps objects in memory. Each object is a subject of its own. The name of the subject is the object's
// key.
type memorySource struct {
	mu      sync.Mutex
	objects map[string]runtime.Object
	sink    Sink

	// Each of these functions replaces the method of the same name if it is set. remove replaces Delete, and list
	// Subjects.
	observe func(ctx context.Context, subject string) (map[string]runtime.Object, []string, error)
	fence   func(ctx context.Context) error
	lookup  func(ctx context.Context, key string) (string, error)
	create  func(ctx context.Context, key string, object runtime.Object) (string, error)
	update  func(ctx context.Context, subject string, old, updated runtime.Object) error
	remove  func(ctx context.Context, subject string, object runtime.Object) error
	list    func(ctx context.Context) ([]string, error)
}

func (m *memorySource) set(key string, object runtime.Object) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if object == nil {
		delete(m.objects, key)
		return
	}
	m.objects[key] = object
}

// observed returns what Observe returns if it is not replaced.
func (m *memorySource) observed(subject string) map[string]runtime.Object {
	m.mu.Lock()
	defer m.mu.Unlock()
	if object, ok := m.objects[subject]; ok {
		return map[string]runtime.Object{subject: object.DeepCopyObject()}
	}
	return nil
}

func (m *memorySource) Subjects(ctx context.Context) ([]string, error) {
	if m.list != nil {
		return m.list(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var subjects []string
	for key := range m.objects {
		subjects = append(subjects, key)
	}
	return subjects, nil
}

func (m *memorySource) Observe(ctx context.Context, subject string) (map[string]runtime.Object, []string, error) {
	if m.observe != nil {
		return m.observe(ctx, subject)
	}
	return m.observed(subject), nil, nil
}

func (m *memorySource) Lookup(ctx context.Context, key string) (string, error) {
	if m.lookup != nil {
		return m.lookup(ctx, key)
	}
	return "", nil
}

func (m *memorySource) Fence(ctx context.Context) error {
	if m.fence != nil {
		return m.fence(ctx)
	}
	return nil
}

func (m *memorySource) Create(ctx context.Context, key string, object runtime.Object) (subject string, err error) {
	defer func() {
		if err == nil {
			m.sink.MarkDirty(subject)
		}
	}()
	if m.create != nil {
		return m.create(ctx, key, object)
	}
	m.set(key, object)
	return key, nil
}

func (m *memorySource) Update(ctx context.Context, subject string, old, updated runtime.Object) error {
	defer m.sink.MarkDirty(subject)
	if m.update != nil {
		return m.update(ctx, subject, old, updated)
	}
	return m.swap(subject, old, updated)
}

func (m *memorySource) Delete(ctx context.Context, subject string, object runtime.Object) error {
	defer m.sink.MarkDirty(subject)
	if m.remove != nil {
		return m.remove(ctx, subject, object)
	}
	return m.swap(subject, object, nil)
}

func (m *memorySource) swap(key string, old, updated runtime.Object) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	current, ok := m.objects[key]
	old = shallowCopy(old)
	accessor(old).SetResourceVersion("")
	if !ok || !apiequality.Semantic.DeepEqual(current, old) {
		return ErrStale
	}
	delete(m.objects, key)
	if updated != nil {
		m.objects[key] = updated
	}
	return nil
}

// newMemoryStore returns an available store whose versions begin at 1.
func newMemoryStore(t testing.TB, adjust ...func(*Config)) (*Store, *memorySource) {
	t.Helper()
	source := &memorySource{objects: map[string]runtime.Object{}}
	config := Config{
		Versions: NewVersions(1),
		Resource: schema.GroupResource{Resource: "pods"},
		Prefix:   "/pods/",
		NewFunc:  func() runtime.Object { return &example.Pod{} },
		Source:   source,
	}
	for _, f := range adjust {
		f(&config)
	}
	store := New(config)
	source.sink = store
	t.Cleanup(store.Stop)
	if err := store.Resync(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store, source
}
