// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/conversion"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	// listBuffer is how much of a list is written at a time. Together with the nine bytes of a frame header it fills
	// one HTTP/2 frame and one TLS record. The client can read it while the server makes the next one.
	listBuffer = 16<<10 - 9
	// itemID identifies the JSON encoding of an object as an item of a list. It has neither kind nor apiVersion.
	itemID runtime.Identifier = "item"
)

// emptyItems is the end of the JSON of a list without items.
var emptyItems = []byte(`"items":[]}` + "\n")

var listBuffers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, listBuffer) }}

// List is a list that a Store fills without copying objects. In JSON it reuses the encodings that other lists have made
// of the same objects. Every other format encodes the ordinary list that GetObject returns.
type List struct {
	metav1.ListMeta
	Items []*shared

	newFunc func() runtime.Object
	keeper  *keeper // the keeper of the store that filled the list
}

var (
	_ runtime.Object          = &List{}
	_ runtime.CacheableObject = &List{}
)

// NewList returns an empty list. newFunc makes an ordinary list of the kind.
func NewList(newFunc func() runtime.Object) *List { return &List{newFunc: newFunc} }

// GetObjectKind implements runtime.Object. A kind that is set there is not kept.
func (l *List) GetObjectKind() schema.ObjectKind { return schema.EmptyObjectKind }

// DeepCopyObject implements runtime.Object. The copy is an ordinary list.
func (l *List) DeepCopyObject() runtime.Object { return l.GetObject().DeepCopyObject() }

// GetObject implements runtime.CacheableObject. It returns an ordinary list. The caller may set the fields and the
// metadata of its items.
func (l *List) GetObject() runtime.Object {
	list, err := l.ordinary(l.Items)
	if err != nil {
		panic(err) // newFunc does not make lists of these objects
	}
	return list
}

func (l *List) ordinary(objects []*shared) (runtime.Object, error) {
	list := l.newFunc()
	if err := setItems(list, objects); err != nil {
		return nil, err
	}
	m, err := meta.ListAccessor(list)
	if err != nil {
		return nil, err
	}
	m.SetResourceVersion(l.ResourceVersion)
	m.SetContinue(l.Continue)
	m.SetRemainingItemCount(l.RemainingItemCount)
	return list, nil
}

// setItems makes the objects the items of a list. A List shares the objects. An ordinary list gets shallow copies.
func setItems(list runtime.Object, objects []*shared) error {
	if list, ok := list.(*List); ok {
		list.Items = objects
		return nil
	}
	pointer, err := meta.GetItemsPtr(list)
	if err != nil {
		return err
	}
	items, err := conversion.EnforcePtr(pointer)
	if err != nil || items.Kind() != reflect.Slice {
		return fmt.Errorf("%T has no slice of items: %w", list, err)
	}
	slice := reflect.MakeSlice(items.Type(), 0, len(objects))
	for _, object := range objects {
		slice = reflect.Append(slice, reflect.ValueOf(object.object).Elem())
	}
	items.Set(slice)
	return nil
}

// CacheEncode implements runtime.CacheableObject. It writes the same bytes that encode writes for the ordinary list.
func (l *List) CacheEncode(_ runtime.Identifier, encode func(runtime.Object, io.Writer) error, w io.Writer) error {
	empty, err := l.ordinary(nil)
	if err != nil {
		return err
	}
	var frame bytes.Buffer
	if err := encode(empty, &frame); err != nil {
		return err
	}
	head, isJSON := bytes.CutSuffix(frame.Bytes(), emptyItems)
	if !isJSON || len(head) == 0 || head[0] != '{' {
		return encode(l.GetObject(), w)
	}
	return l.writeAround(head, w)
}

// writeAround writes head, the items, and the end of the list. head is the JSON of the list before its items.
func (l *List) writeAround(head []byte, w io.Writer) error {
	// The generic API server compresses long answers. It looks at the first write: a single byte says that more
	// follows.
	if _, err := w.Write(head[:1]); err != nil {
		return err
	}
	buffered := listBuffers.Get().(*bufio.Writer)
	buffered.Reset(w)
	defer func() {
		buffered.Reset(nil)
		listBuffers.Put(buffered)
	}()
	begin, end := emptyItems[:len(emptyItems)-3], emptyItems[len(emptyItems)-3:]
	_, _ = buffered.Write(head[1:]) // Flush returns the error
	_, _ = buffered.Write(begin)
	var toKeep []*encodings
	for i, item := range l.Items {
		made, isNew := item.current()
		if isNew && item.key != "" { // other lists do not use the copy that was made for an alias
			toKeep = append(toKeep, made)
		}
		content, err := item.encoded(made, itemID, encodeItem)
		if err != nil {
			return err
		}
		if i > 0 {
			_ = buffered.WriteByte(',')
		}
		if _, err := buffered.Write(content); err != nil {
			return err
		}
	}
	if l.keeper != nil {
		l.keeper.keep(toKeep)
	}
	_, _ = buffered.Write(end)
	return buffered.Flush()
}

func encodeItem(object runtime.Object, w io.Writer) error {
	content, err := json.Marshal(object)
	if err == nil {
		_, err = w.Write(content)
	}
	return err
}
