// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/runtime/serializer/cbor"
	"k8s.io/apiserver/pkg/apis/example"
	examplev1 "k8s.io/apiserver/pkg/apis/example/v1"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/utils/clock"
)

func TestAnObjectIsEncodedOnceForAllWhoReadIt(t *testing.T) {
	s := share(newPod("a", "1"))
	held, _ := s.current()
	var encoded atomic.Int64
	encode := func(object kruntime.Object, w io.Writer) error {
		encoded.Add(1)
		_, err := io.WriteString(w, object.(*example.Pod).Name)
		return err
	}
	var readers sync.WaitGroup
	for range 100 {
		readers.Go(func() {
			var b bytes.Buffer
			if err := s.CacheEncode("one", encode, &b); err != nil || b.String() != "a" {
				t.Errorf("%q %v", &b, err)
			}
		})
	}
	readers.Wait()
	if encoded.Load() != 1 {
		t.Errorf("the object was encoded %d times", encoded.Load())
	}
	if err := s.CacheEncode("two", encode, io.Discard); err != nil || encoded.Load() != 2 {
		t.Errorf("the second encoder got the encoding of the first one, or the error %v", err)
	}
	runtime.KeepAlive(held)
}

func TestEncodingsThatNobodyReadsAreGivenUp(t *testing.T) {
	s := share(newPod("a", "1"))
	encode := func(_ kruntime.Object, w io.Writer) error {
		_, err := w.Write(make([]byte, 1<<10))
		return err
	}
	if err := s.CacheEncode("one", encode, io.Discard); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	if s.encodings.Value() != nil {
		t.Error("the encodings are still kept")
	}
}

func TestAnEncoderThatFailsFailsForAll(t *testing.T) {
	s := share(newPod("a", "1"))
	held, _ := s.current()
	broken := errors.New("broken")
	for range 2 {
		if err := s.CacheEncode("one", func(kruntime.Object, io.Writer) error { return broken }, io.Discard); !errors.Is(err, broken) {
			t.Errorf("%v", err)
		}
	}
	runtime.KeepAlive(held)
}

func TestWhatIsSetInASharedObjectIsSetInACopy(t *testing.T) {
	s := share(newPod("a", "1"))
	accessor(s).SetName("b")
	s.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{Kind: "Other"})
	s.DeepCopyObject().(*example.Pod).Name = "c"
	if pod := s.object.(*example.Pod); pod.Name != "a" || pod.Kind != "" {
		t.Errorf("the object is %v", pod)
	}
}

// encoders returns the encoders that clients can ask for, for objects that need no conversion.
func encoders(t testing.TB) map[string]kruntime.Encoder {
	t.Helper()
	result := map[string]kruntime.Encoder{}
	scheme := kruntime.NewScheme()
	scheme.AddKnownTypes(examplev1.SchemeGroupVersion, &examplev1.Pod{}, &examplev1.PodList{})
	codecs := serializer.NewCodecFactory(scheme)
	streaming := serializer.NewCodecFactory(scheme, serializer.WithStreamingCollectionEncodingToJSON(), serializer.WithSerializer(cbor.NewSerializerInfo))
	for prefix, codecs := range map[string]serializer.CodecFactory{"": codecs, "streaming ": streaming} {
		for _, info := range codecs.SupportedMediaTypes() {
			if info.MediaType == kruntime.ContentTypeProtobuf {
				continue
			}
			result[prefix+info.MediaType] = codecs.EncoderForVersion(info.Serializer, examplev1.SchemeGroupVersion)
			if info.PrettySerializer != nil {
				result[prefix+info.MediaType+", pretty"] = codecs.EncoderForVersion(info.PrettySerializer, examplev1.SchemeGroupVersion)
			}
		}
	}
	return result
}

func TestASharedListIsEncodedByteForByteAsAnOrdinaryOne(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	remaining := int64(7)
	for n := range 30 {
		list := NewList(func() kruntime.Object { return &examplev1.PodList{} })
		list.ListMeta = metav1.ListMeta{ResourceVersion: fmt.Sprint(n)}
		if n%3 == 0 {
			list.Continue, list.RemainingItemCount = `a<&>"]}`, &remaining
		}
		for i := range random.IntN(n + 1) {
			pod := newVersionedPod(fmt.Sprintf("p%d", i), randomText(random))
			pod.Labels = map[string]string{randomText(random): randomText(random), "b": "\"items\":[]}\n"}
			list.Items = append(list.Items, share(pod))
		}
		for name, encoder := range encoders(t) {
			for range 2 { // first encoded anew, then from the kept encodings
				var shared, ordinary bytes.Buffer
				if err := errors.Join(encoder.Encode(list, &shared), encoder.Encode(list.GetObject(), &ordinary)); err != nil {
					t.Fatal(name, err)
				}
				if !bytes.Equal(shared.Bytes(), ordinary.Bytes()) {
					t.Fatalf("%s, %d items:\n%s\nnot\n%s", name, len(list.Items), &shared, &ordinary)
				}
			}
		}
	}
}

func newVersionedPod(name, message string) *examplev1.Pod {
	return &examplev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "ns"}, Status: examplev1.PodStatus{Message: message}}
}

func randomText(random *rand.Rand) string {
	parts := []string{"a", "<b>", "&", "\u2028", "\"", "\\", "é", "\x00", "\xff", "日本", "\n", " "}
	text := ""
	for range random.IntN(8) {
		text += parts[random.IntN(len(parts))]
	}
	return text
}

func TestASharedListIsAListToThoseWhoGoThroughLists(t *testing.T) {
	store, source := newMemoryStore(t)
	source.put(newPod("a", "1"))
	source.put(newPod("b", "2"))
	list := NewList(func() kruntime.Object { return &example.PodList{} })
	if err := store.GetList(t.Context(), "/pods/", storage.ListOptions{Predicate: storage.Everything, Recursive: true}, list); err != nil {
		t.Fatal(err)
	}
	ordinary := list.DeepCopyObject().(*example.PodList)
	if !meta.IsListType(list) || meta.LenList(list) != 2 || len(ordinary.Items) != 2 || ordinary.ResourceVersion != current(store) {
		t.Errorf("the list is %v, the ordinary list is %v", list, ordinary)
	}
	var names []string
	err := meta.EachListItem(list, func(item kruntime.Object) error {
		names = append(names, accessor(item).GetName())
		return nil
	})
	if err != nil || fmt.Sprint(names) != "[a b]" {
		t.Errorf("the items are %v, %v", names, err)
	}
	if err := meta.SetList(list, []kruntime.Object{}); err != nil || meta.LenList(list) != 0 {
		t.Errorf("the list cannot be made empty: %v", err)
	}
}

func TestTheEncodingsOfListsAreKeptForAWhileAndNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := NewList(func() kruntime.Object { return &examplev1.PodList{} })
		list.keeper = &keeper{clock: clock.RealClock{}}
		list.Items = append(list.Items, &shared{object: newVersionedPod("a", "1"), key: "/pods/ns/a"})
		keptAfter := func(pause time.Duration) bool {
			time.Sleep(pause)
			synctest.Wait()
			runtime.GC()
			return list.Items[0].encodings.Value() != nil
		}
		encoder := encoders(t)["application/json"]
		if err := encoder.Encode(list, io.Discard); err != nil {
			t.Fatal(err)
		}
		if !keptAfter(keepFor + 1) {
			t.Error("the encodings were given up too early")
		}
		if keptAfter(keepFor) || list.keeper.timer != nil {
			t.Error("the encodings are kept too long")
		}
		if err := encoder.Encode(list, io.Discard); err != nil || !keptAfter(0) {
			t.Errorf("the encodings are not kept the second time, or the error is %v", err)
		}
		list.keeper.stop()
		if keptAfter(0) {
			t.Error("a stopped store keeps the encodings")
		}
	})
}

func BenchmarkEncodeList(b *testing.B) {
	list := NewList(func() kruntime.Object { return &examplev1.PodList{} })
	list.keeper = &keeper{clock: clock.RealClock{}}
	b.Cleanup(list.keeper.stop)
	for i := range 1000 {
		list.Items = append(list.Items, share(newVersionedPod(fmt.Sprintf("p%05d", i), "some message")))
	}
	encoder := encoders(b)["streaming application/json"]
	for name, object := range map[string]kruntime.Object{"shared": list, "ordinary": list.GetObject()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := encoder.Encode(object, io.Discard); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
