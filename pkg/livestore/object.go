// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"io"

	"k8s.io/apimachinery/pkg/runtime"
)

// Object is what a Store's Get fills without a copy of its object. It is encoded as it was for whoever got it before; GetObject
// returns an ordinary one.
type Object struct {
	*shared
	keeper *keeper // of the store that filled it
}

var (
	_ runtime.Object          = &Object{}
	_ runtime.CacheableObject = &Object{}
)

// CacheEncode implements runtime.CacheableObject.
func (o *Object) CacheEncode(id runtime.Identifier, encode func(runtime.Object, io.Writer) error, w io.Writer) error {
	made, isNew := o.current()
	if isNew && o.key != "" { // nobody else gets what was made for an alias
		o.keeper.keep([]*encodings{made})
	}
	return o.encode(made, id, encode, w)
}
