// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package registry holds the parts that the REST storages of all kinds share.
package registry

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/livestore"
)

// Category is the category of the kinds. It is not "all", because kubectl delete all --all must not empty an engine.
const Category = "engine"

// Resource describes the storage of one kind.
type Resource struct {
	Name         string
	SingularName string
	ShortName    string // may be empty
	// NoCategory leaves the kind out of Category: its lists cost something, and nobody asks for it by listing everything.
	NoCategory  bool
	NewFunc     func() runtime.Object
	NewListFunc func() runtime.Object
	Strategy    rest.RESTUpdateStrategy
	// CreateStrategy is the strategy of a kind that can be created.
	CreateStrategy rest.RESTCreateStrategy
	TableConvertor rest.TableConvertor
	// Permanent are the names of objects that Docker never removes. The deletion of a collection leaves them out, and the
	// deletion of the Namespace does not wait for their end.
	Permanent []string
	// DeleteCollectionWorkers is how many objects of a collection are deleted at the same time. 0 means one.
	DeleteCollectionWorkers int
}

// Prefix returns the prefix of the keys of a resource in its storage.
func Prefix(resource string) string { return "/" + resource + "/" }

func (r Resource) newStore(scheme *runtime.Scheme, storage storage.Interface) (*genericregistry.Store, error) {
	store := &genericregistry.Store{
		NewFunc: r.NewFunc,
		// Lists share their objects, and the encodings of these, with other lists.
		NewListFunc:               func() runtime.Object { return livestore.NewList(r.NewListFunc) },
		DefaultQualifiedResource:  v1alpha1.Resource(r.Name),
		SingularQualifiedResource: v1alpha1.Resource(r.SingularName),
		CreateStrategy:            r.CreateStrategy,
		UpdateStrategy:            r.Strategy,
		DeleteStrategy:            r.Strategy,
		DeleteCollectionWorkers:   r.DeleteCollectionWorkers,
		TableConvertor:            r.TableConvertor,
		Storage: genericregistry.DryRunnableStorage{
			Storage: storage,
			Codec:   serializer.NewCodecFactory(scheme).LegacyCodec(v1alpha1.SchemeGroupVersion),
		},
		// Docker finishes the deletion of an object. An update never does.
		ShouldDeleteDuringUpdate: func(context.Context, string, runtime.Object, runtime.Object) bool { return false },
	}
	err := store.CompleteWithOptions(&generic.StoreOptions{
		RESTOptions: generic.RESTOptions{ResourcePrefix: r.Name},
		AttrFunc:    containers.Attrs,
	})
	if err != nil {
		return nil, fmt.Errorf("completing the storage of %s: %w", r.Name, err)
	}
	return store, nil
}
