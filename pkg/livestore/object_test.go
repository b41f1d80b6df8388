// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"bytes"
	"io"
	"runtime"
	"testing"

	kruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/apis/example"
	examplev1 "k8s.io/apiserver/pkg/apis/example/v1"
	"k8s.io/apiserver/pkg/storage"
)

// getObject gets the object that answers to a name, as a client's request does.
func getObject(t *testing.T, store *Store, name, version string) *Object {
	t.Helper()
	object := &Object{}
	if err := store.Get(t.Context(), "/pods/ns/"+name, storage.GetOptions{ResourceVersion: version}, object); err != nil {
		t.Fatal(err)
	}
	return object
}

func TestWhatIsGotAgainIsEncodedOnceUntilItChanges(t *testing.T) {
	store, source := newStoreOfA(t)
	encoded := 0
	encode := func(object kruntime.Object, w io.Writer) error {
		encoded++
		_, err := io.WriteString(w, object.(*example.Pod).Status.Message)
		return err
	}
	for i, version := range []string{"", "0", ""} {
		if i == 2 {
			source.put(newPod("a", "2"))
		}
		for range 2 {
			var b bytes.Buffer
			object := getObject(t, store, "a", version)
			if err := object.CacheEncode("one", encode, &b); err != nil || b.String() != []string{"1", "1", "2"}[i] {
				t.Errorf("%q, %v", &b, err)
			}
			runtime.GC()
		}
	}
	if encoded != 2 {
		t.Errorf("two versions were encoded %d times", encoded)
	}
}

func TestAnObjectThatIsGotIsEncodedByteForByteAsAnOrdinaryOne(t *testing.T) {
	pod := &examplev1.Pod{}
	pod.Namespace, pod.Name, pod.Labels = "ns", "a", map[string]string{"b": "<c>", "a": "1"}
	got := &Object{shared: share(pod), keeper: &keeper{stopped: true}}
	for name, encoder := range encoders(t) {
		var want bytes.Buffer
		if err := encoder.Encode(pod.DeepCopy(), &want); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			var b bytes.Buffer
			if err := encoder.Encode(got, &b); err != nil || !bytes.Equal(b.Bytes(), want.Bytes()) {
				t.Errorf("%s: %q, want %q, %v", name, &b, &want, err)
			}
		}
	}
}

func TestAnObjectThatIsGotByAnAliasIsEncodedWithThatName(t *testing.T) {
	store, source := newMemoryStore(t, func(c *Config) {
		c.Aliases = func(kruntime.Object) []string { return []string{"alias"} }
	})
	source.put(newPod("a", "1"))
	encode := func(object kruntime.Object, w io.Writer) error {
		_, err := io.WriteString(w, object.(*example.Pod).Name)
		return err
	}
	for _, name := range []string{"a", "alias", "a"} {
		var b bytes.Buffer
		if err := getObject(t, store, name, "").CacheEncode("one", encode, &b); err != nil || b.String() != name {
			t.Errorf("%q by the name %s, %v", &b, name, err)
		}
	}
	if kept := len(store.keeper.newer); kept != 1 {
		t.Errorf("the encodings of %d objects are kept, want 1, because that of the alias will not be needed again", kept)
	}
}
