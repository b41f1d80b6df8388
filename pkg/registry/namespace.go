// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/storage"
)

// namespaced asks the engine's storage only for keys in the engine's namespace.
type namespaced struct {
	storage.Interface
	elsewhere storage.Interface
	prefix    string
	namespace string
}

// InNamespace returns a storage that takes the objects of one namespace from engine, and those of all other namespaces
// from elsewhere. A request for another namespace then neither waits for the engine nor fails with it.
func InNamespace(namespace, prefix string, engine, elsewhere storage.Interface) storage.Interface {
	return &namespaced{engine, elsewhere, prefix, namespace}
}

func (n *namespaced) of(key string) storage.Interface {
	if namespace := n.namespaceOf(key); namespace == "" || namespace == n.namespace {
		return n.Interface
	}
	return n.elsewhere
}

func (n *namespaced) namespaceOf(key string) string {
	namespace, _, _ := strings.Cut(strings.TrimPrefix(key+"/", n.prefix), "/")
	return namespace
}

// one turns a request for the objects with one name in all namespaces into a request for one object. All objects of the
// engine are in one namespace. In a request for one object the name may also be an ID.
func (n *namespaced) one(key string, opts storage.ListOptions) (string, storage.ListOptions) {
	name, ok := opts.Predicate.MatchesSingle()
	if ok && opts.Recursive && strings.TrimSuffix(key, "/")+"/" == n.prefix && len(content.IsPathSegmentName(name)) == 0 {
		opts.Recursive = false
		return n.prefix + n.namespace + "/" + name, opts
	}
	return key, opts
}

// Create implements storage.Interface. As in Kubernetes, what is created in a namespace that is not there is not found.
func (n *namespaced) Create(ctx context.Context, key string, obj, out runtime.Object, ttl uint64) error {
	if n.of(key) == n.elsewhere {
		err := apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, n.namespaceOf(key))
		err.ErrStatus.Message = fmt.Sprintf("namespace %q is not one of the container engine: create it in the namespace %q", n.namespaceOf(key), n.namespace)
		return err
	}
	return n.Interface.Create(ctx, key, obj, out, ttl)
}

// Delete implements storage.Interface.
func (n *namespaced) Delete(ctx context.Context, key string, out runtime.Object, preconditions *storage.Preconditions,
	validate storage.ValidateObjectFunc, cached runtime.Object, opts storage.DeleteOptions) error {
	return n.of(key).Delete(ctx, key, out, preconditions, validate, cached, opts)
}

// Watch implements storage.Interface.
func (n *namespaced) Watch(ctx context.Context, key string, opts storage.ListOptions) (watch.Interface, error) {
	key, opts = n.one(key, opts)
	return n.of(key).Watch(ctx, key, opts)
}

// Get implements storage.Interface.
func (n *namespaced) Get(ctx context.Context, key string, opts storage.GetOptions, out runtime.Object) error {
	return n.of(key).Get(ctx, key, opts, out)
}

// GetList implements storage.Interface.
func (n *namespaced) GetList(ctx context.Context, key string, opts storage.ListOptions, list runtime.Object) error {
	key, opts = n.one(key, opts)
	return n.of(key).GetList(ctx, key, opts, list)
}

// GuaranteedUpdate implements storage.Interface.
func (n *namespaced) GuaranteedUpdate(ctx context.Context, key string, out runtime.Object, ignoreNotFound bool,
	preconditions *storage.Preconditions, update storage.UpdateFunc, cached runtime.Object) error {
	return n.of(key).GuaranteedUpdate(ctx, key, out, ignoreNotFound, preconditions, update, cached)
}
