// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"
)

const messageField = "status.message"

var indexedMessage = map[string]func(runtime.Object) string{messageField: message}

func message(object runtime.Object) string { return object.(*example.Pod).Status.Message }

// withMessage returns a predicate that selects the pods with that message.
func withMessage(text string) storage.SelectionPredicate {
	predicate := storage.Everything
	predicate.Field = fields.OneTermEqualSelector(messageField, text)
	predicate.GetAttrs = func(object runtime.Object) (labels.Set, fields.Set, error) {
		return nil, fields.Set{messageField: message(object)}, nil
	}
	return predicate
}

func TestASelectorOnAnIndexedFieldLooksAtNoOtherObject(t *testing.T) {
	store, source := newMemoryStore(t, func(c *Config) { c.IndexedFields = indexedMessage })
	for i := range 100 {
		source.put(newPod(fmt.Sprintf("p%02d", i), fmt.Sprint(i/2)))
	}
	looked := map[string]bool{}
	selecting := func(opts *storage.ListOptions) {
		opts.Predicate = withMessage("7")
		attrs := opts.Predicate.GetAttrs
		opts.Predicate.GetAttrs = func(object runtime.Object) (labels.Set, fields.Set, error) {
			looked[accessor(object).GetName()] = true
			return attrs(object)
		}
	}
	list, err := listPods(t.Context(), store, selecting)
	if err != nil || shown(list) != "p14=7 p15=7" {
		t.Errorf("the list shows %q, %v", shown(list), err)
	}
	opts := storage.ListOptions{Recursive: true, ResourceVersion: "0"}
	selecting(&opts)
	w, err := store.Watch(t.Context(), "/pods/", opts)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	for _, want := range []string{"p14", "p15"} {
		if event := <-w.ResultChan(); accessor(event.Object).GetName() != want {
			t.Errorf("the watch begins with %v, want %s", event, want)
		}
	}
	if got := slices.Sorted(maps.Keys(looked)); !slices.Equal(got, []string{"p14", "p15"}) {
		t.Errorf("the reads looked at %v, want p14 and p15", got)
	}
}

func BenchmarkListOfOneByField(b *testing.B) {
	for name, indexed := range map[string]map[string]func(runtime.Object) string{"indexed": indexedMessage, "not indexed": nil} {
		store, source := newMemoryStore(b, func(c *Config) { c.IndexedFields = indexed })
		for i := range 10_000 {
			source.put(newPod(fmt.Sprintf("p%05d", i), fmt.Sprint(i)))
		}
		if _, err := listPods(b.Context(), store); err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				list, err := listPods(b.Context(), store, atVersion("0"), func(opts *storage.ListOptions) { opts.Predicate = withMessage("50") })
				if err != nil || len(list.Items) != 1 {
					b.Fatal(len(list.Items), err)
				}
			}
		})
	}
}
