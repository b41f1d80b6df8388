// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"
)

// newPod returns a pod in the namespace ns. Its message stands for the content that changes.
func newPod(name, message string, adjust ...func(*example.Pod)) *example.Pod {
	pod := &example.Pod{}
	pod.Namespace, pod.Name, pod.UID = "ns", name, types.UID("uid of "+name)
	pod.Status.Message = message
	for _, f := range adjust {
		f(pod)
	}
	return pod
}

func withUID(uid string) func(*example.Pod) {
	return func(pod *example.Pod) { pod.UID = types.UID(uid) }
}

func withLabel(key, value string) func(*example.Pod) {
	return func(pod *example.Pod) { pod.Labels = map[string]string{key: value} }
}

func withAliases(aliases ...string) func(*example.Pod) {
	return func(pod *example.Pod) { pod.Finalizers = aliases }
}

// podAliases returns the slice that withAliases set. It is the object's own slice: the store must not change it.
func podAliases(object runtime.Object) []string { return object.(*example.Pod).Finalizers }

// put stores these pods in the source and reports them.
func (m *memorySource) put(pods ...*example.Pod) {
	for _, pod := range pods {
		key := pod.Namespace + "/" + pod.Name
		m.set(key, pod)
		m.sink.MarkDirty(key)
	}
}

// drop removes the pods with these names from the source and reports them.
func (m *memorySource) drop(names ...string) {
	for _, name := range names {
		m.set("ns/"+name, nil)
		m.sink.MarkDirty("ns/" + name)
	}
}

func getPod(ctx context.Context, store *Store, name, version string) (*example.Pod, error) {
	pod := &example.Pod{}
	err := store.Get(ctx, "/pods/ns/"+name, storage.GetOptions{ResourceVersion: version}, pod)
	return pod, err
}

func mustGet(t *testing.T, store *Store, name string) *example.Pod {
	t.Helper()
	pod, err := getPod(t.Context(), store, name, "")
	if err != nil {
		t.Fatal(err)
	}
	return pod
}

func listPods(ctx context.Context, store *Store, adjust ...func(*storage.ListOptions)) (*example.PodList, error) {
	opts := storage.ListOptions{Predicate: storage.Everything, Recursive: true}
	for _, f := range adjust {
		f(&opts)
	}
	list := &example.PodList{}
	err := store.GetList(ctx, "/pods/", opts, list)
	return list, err
}

func atVersion(version string) func(*storage.ListOptions) {
	return func(opts *storage.ListOptions) { opts.ResourceVersion = version }
}

func exactly(version string) func(*storage.ListOptions) {
	return func(opts *storage.ListOptions) {
		opts.ResourceVersion, opts.ResourceVersionMatch = version, "Exact"
	}
}

func page(limit int64, next string) func(*storage.ListOptions) {
	return func(opts *storage.ListOptions) { opts.Predicate.Limit, opts.Predicate.Continue = limit, next }
}

func labelled(key, value string) func(*storage.ListOptions) {
	return func(opts *storage.ListOptions) {
		opts.Predicate.Label = labels.SelectorFromSet(labels.Set{key: value})
		opts.Predicate.Field = fields.Everything()
		opts.Predicate.GetAttrs = func(object runtime.Object) (labels.Set, fields.Set, error) {
			return accessor(object).GetLabels(), nil, nil
		}
	}
}

func withBookmarks(opts *storage.ListOptions) { opts.Predicate.AllowWatchBookmarks = true }

// shown returns the items of a list as "name=message".
func shown(list *example.PodList) string {
	var all []string
	for _, pod := range list.Items {
		all = append(all, pod.Name+"="+pod.Status.Message)
	}
	return strings.Join(all, " ")
}

func watchPods(t *testing.T, store *Store, version string, adjust ...func(*storage.ListOptions)) watch.Interface {
	t.Helper()
	opts := storage.ListOptions{Predicate: storage.Everything, Recursive: true, ResourceVersion: version}
	for _, f := range adjust {
		f(&opts)
	}
	w, err := store.Watch(t.Context(), "/pods/", opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	return w
}

func watchPod(t *testing.T, store *Store, name, version string) watch.Interface {
	t.Helper()
	opts := storage.ListOptions{Predicate: storage.Everything, ResourceVersion: version}
	w, err := store.Watch(t.Context(), "/pods/ns/"+name, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	return w
}

// collector reads a watch to its end.
type collector struct {
	watch.Interface
	mu     sync.Mutex
	events []string
	ended  bool
}

func collect(w watch.Interface) *collector {
	c := &collector{Interface: w}
	go func() {
		for event := range w.ResultChan() {
			c.mu.Lock()
			c.events = append(c.events, describe(event))
			c.mu.Unlock()
		}
		c.mu.Lock()
		c.ended = true
		c.mu.Unlock()
	}()
	return c
}

func (c *collector) seen() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string{}, c.events...)
}

// describe returns an event as "ADDED name=message@version".
func describe(event watch.Event) string {
	if event.Type == watch.Error {
		return string(event.Type)
	}
	pod := unshared(event.Object).(*example.Pod)
	return fmt.Sprintf("%s %s=%s@%s", event.Type, pod.Name, pod.Status.Message, pod.ResourceVersion)
}

// unshared returns an ordinary object for the shared object of an event.
func unshared(object runtime.Object) runtime.Object {
	if shared, ok := object.(runtime.CacheableObject); ok {
		return shared.GetObject()
	}
	return object
}

// withoutVersions removes the versions from the results of describe.
func withoutVersions(events []string) []string {
	result := []string{}
	for _, event := range events {
		result = append(result, event[:strings.LastIndexByte(event, '@')])
	}
	return result
}

func current(store *Store) string { return formatVersion(store.Versions.Current()) }

func formatVersion(version uint64) string { return strconv.FormatUint(version, 10) }
