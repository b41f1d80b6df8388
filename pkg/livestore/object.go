// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"io"

	"k8s.io/apimachinery/pkg/runtime"
)

// Object is what Get of a Store fills without copying the object. Everyone who gets the same version shares its
// encodings. GetObject returns an ordinary object.
type Object struct {
	*shared
	keeper *keeper // the keeper of the store that filled the object
}

var (
	_ runtime.Object          = &Object{}
	_ runtime.CacheableObject = &Object{}
)

// CacheEncode implements runtime.CacheableObject.
func (o *Object) CacheEncode(id runtime.Identifier, encode func(runtime.Object, io.Writer) error, w io.Writer) error {
	made, isNew := o.current()
	if isNew && o.key != "" { // other gets do not use the copy that was made for an alias
		o.keeper.keep([]*encodings{made})
	}
	return o.encode(made, id, encode, w)
}
