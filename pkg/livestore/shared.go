// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"bytes"
	"io"
	"sync"
	"weak"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// shared is one version of an object. All watchers and lists share it. Nobody may change the object: to set something,
// take a copy. Each encoder encodes the object once, for all readers.
type shared struct {
	object runtime.Object
	key    string // the key in the view; empty if the object is not from the view

	mu sync.Mutex
	// encodings is weak: the garbage collector frees the encodings when nobody reads them. Together they can be as
	// large as the objects.
	encodings weak.Pointer[encodings]
}

var (
	_ runtime.Object            = &shared{}
	_ runtime.CacheableObject   = &shared{}
	_ metav1.ObjectMetaAccessor = &shared{}
)

// share returns the object in a form that can be shared. It returns nil for nil.
func share(object runtime.Object) *shared {
	if object == nil {
		return nil
	}
	return &shared{object: object}
}

// at returns a copy of the object that has another version.
func (s *shared) at(version uint64) *shared {
	object := shallowCopy(s.object)
	setVersion(object, version)
	return &shared{object: object, key: s.key}
}

// GetObject implements runtime.CacheableObject. It returns a copy. The caller may set the fields and the metadata of
// that copy.
func (s *shared) GetObject() runtime.Object { return shallowCopy(s.object) }

// GetObjectMeta implements metav1.ObjectMetaAccessor. It returns the metadata of a copy.
func (s *shared) GetObjectMeta() metav1.Object { return accessor(s.GetObject()) }

// GetObjectKind implements runtime.Object. It returns the kind of a copy.
func (s *shared) GetObjectKind() schema.ObjectKind { return s.GetObject().GetObjectKind() }

// DeepCopyObject implements runtime.Object. The copy is an ordinary object that shares nothing.
func (s *shared) DeepCopyObject() runtime.Object { return s.object.DeepCopyObject() }

// CacheEncode implements runtime.CacheableObject.
func (s *shared) CacheEncode(id runtime.Identifier, encode func(runtime.Object, io.Writer) error, w io.Writer) error {
	made, _ := s.current()
	return s.encode(made, id, encode, w)
}

// encode writes the object in the encoding of the encoder with this identifier.
func (s *shared) encode(made *encodings, id runtime.Identifier, encode func(runtime.Object, io.Writer) error, w io.Writer) error {
	content, err := s.encoded(made, id, encode)
	if err != nil {
		return err
	}
	if splice, ok := w.(runtime.Splice); ok {
		splice.Splice(content)
		return nil
	}
	_, err = w.Write(content)
	return err
}

// encoded returns the object in the encoding of the encoder with this identifier. The caller must not change it.
func (s *shared) encoded(made *encodings, id runtime.Identifier, encode func(runtime.Object, io.Writer) error) ([]byte, error) {
	e := made.of(id)
	e.once.Do(func() {
		var buffer bytes.Buffer
		e.err = encode(s.GetObject(), &buffer)
		e.content = bytes.Clone(buffer.Bytes())
	})
	return e.content, e.err
}

// current returns the object's encodings, and whether they are new.
func (s *shared) current() (_ *encodings, isNew bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.encodings.Value(); e != nil {
		return e, false
	}
	e := &encodings{}
	s.encodings = weak.Make(e)
	return e, true
}

// encodings are the encodings of one object: the one for items of lists, and others by the encoder's identifier.
type encodings struct {
	item encoding

	mu   sync.Mutex
	byID map[runtime.Identifier]*encoding
}

type encoding struct {
	once    sync.Once
	content []byte
	err     error
}

func (e *encodings) of(id runtime.Identifier) *encoding {
	if id == itemID {
		return &e.item
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.byID == nil {
		e.byID = map[runtime.Identifier]*encoding{}
	}
	if e.byID[id] == nil {
		e.byID[id] = &encoding{}
	}
	return e.byID[id]
}
