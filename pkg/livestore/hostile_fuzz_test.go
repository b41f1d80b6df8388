// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"errors"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"
)

// FuzzPage promises what a client gets for any continue token, version and limit. It gets an error that says what is
// wrong with its request, or a page of the objects in its namespace, in order. The token of that page leads to the
// rest.
func FuzzPage(f *testing.F) {
	store, source := newMemoryStore(f)
	names := []string{"a", "b", "c", "d"}
	for _, name := range names {
		source.put(newPod(name, "x"))
	}
	source.set("other/z", newPod("z", "x", func(pod *example.Pod) { pod.Namespace = "other" }))
	source.sink.MarkDirty("other/z")
	list := func(ctx *testing.T, limit int64, next, version, match string) (*example.PodList, error) {
		opts := storage.ListOptions{Predicate: storage.Everything, Recursive: true, ResourceVersion: version, ResourceVersionMatch: metav1.ResourceVersionMatch(match)}
		opts.Predicate.Limit, opts.Predicate.Continue = limit, next
		pods := &example.PodList{}
		return pods, store.GetList(ctx.Context(), "/pods/ns/", opts, pods)
	}
	if _, err := listPods(f.Context(), store); err != nil {
		f.Fatal(err)
	}
	version := current(store)
	token := func(start string, version int64) string {
		text, err := storage.EncodeContinue("/pods/ns/"+start, "/pods/ns/", version)
		if err != nil {
			f.Fatal(err)
		}
		return text
	}
	for _, seed := range []struct {
		limit                int64
		next, version, match string
	}{
		{0, "", "", ""}, {1, "", "", ""}, {2, token("b\x00", -1), "", ""}, {2, token("b\x00", 1), "", ""}, {3, token("~", -1), "", ""}, {1, token("a", 1<<62), "", ""}, {-1, "", "", ""}, {1 << 62, "", "", ""},
		{1, "x", "", ""}, {1, token("a", -1), "1", ""}, {1, token("a", -1), "0", "Exact"}, {0, "", version, "Exact"}, {0, "", "0", "NotOlderThan"}, {0, "", "18446744073709551615", ""}, {0, "", "-1", ""}, {0, "", "", "Exact"}, {0, "", "1", "x"},
		{1, "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6LTEsInN0YXJ0IjoiLi4vb3RoZXIvIn0", "", ""},
	} {
		f.Add(seed.limit, seed.next, seed.version, seed.match)
	}
	f.Fuzz(func(t *testing.T, limit int64, next, version, match string) {
		if !slices.Contains([]string{"", "Exact", "NotOlderThan"}, match) {
			return // the API server refuses it before it calls the store
		}
		isPast := next != "" || version != "" // some objects did not exist yet
		seen := []string{}
		for range len(names) + 1 {
			pods, err := list(t, limit, next, version, match)
			if err != nil {
				checkBlame(t, err)
				return
			}
			for _, pod := range pods.Items {
				if pod.Namespace != "ns" {
					t.Errorf("%s/%s is of another namespace", pod.Namespace, pod.Name)
				}
				seen = append(seen, pod.Name)
			}
			if limit > 0 && int64(len(pods.Items)) > limit {
				t.Errorf("%d objects where %d were asked for", len(pods.Items), limit)
			}
			if pods.Continue == "" {
				break
			}
			next, version, match = pods.Continue, "", ""
		}
		if len(slices.Compact(slices.Clone(seen))) != len(seen) || !slices.IsSorted(seen) || !isPast && !slices.Equal(seen, names[len(names)-min(len(seen), len(names)):]) {
			t.Errorf("the pages show %q", seen)
		}
	})
}

// checkBlame fails unless the error says what is wrong with the client's request, or that its version does not exist
// yet.
func checkBlame(t *testing.T, err error) {
	t.Helper()
	var status apierrors.APIStatus
	if storage.IsInvalidError(err) || errors.As(err, &status) && (status.Status().Code/100 == 4 || storage.IsTooLargeResourceVersion(err)) {
		return
	}
	t.Errorf("%T: %v", err, err)
}

// FuzzKey promises that a key that no object has finds no object.
func FuzzKey(f *testing.F) {
	store, source := newMemoryStore(f)
	source.put(newPod("a", "x"))
	if _, err := listPods(f.Context(), store); err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"a", "", ".", "..", "../ns/a", "./a", "/a", "a/", "a\x00", "A", "%61", "../../pods/ns/a", strings.Repeat("a", 5_000)} {
		f.Add(seed, "")
	}
	f.Add("a", "0")
	f.Add("a", "x")
	f.Add("a", "18446744073709551615")
	f.Fuzz(func(t *testing.T, name, version string) {
		pod, err := getPod(t.Context(), store, name, version)
		switch {
		case err == nil && name != "a":
			t.Errorf("%q means %s", name, pod.Name)
		case err != nil && !storage.IsNotFound(err):
			checkBlame(t, err)
		}
	})
}
