// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validate/content"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/endpoints/request"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/storage"
)

// Namespaced is a storage that asks the engine only for keys in the engine's namespace.
type Namespaced struct {
	storage.Interface
	elsewhere storage.Interface
	prefix    string
	namespace string
}

// InNamespace returns a storage that takes the objects of one namespace from engine, and those of all other namespaces
// from elsewhere. A request for another namespace then neither waits for the engine nor fails with it.
func InNamespace(namespace, prefix string, engine, elsewhere storage.Interface) *Namespaced {
	return &Namespaced{engine, elsewhere, prefix, namespace}
}

func (n *Namespaced) of(key string) storage.Interface {
	namespace, _, _ := strings.Cut(strings.TrimPrefix(key+"/", n.prefix), "/")
	if namespace == "" || namespace == n.namespace {
		return n.Interface
	}
	return n.elsewhere
}

// beginCreate is a registry.BeginCreateFunc. It refuses an object in another namespace, as kube-apiserver does
// for a namespace that does not exist. It does so before anything else is checked, and also in a dry run.
func (n *Namespaced) beginCreate(ctx context.Context, _ runtime.Object, _ *metav1.CreateOptions) (genericregistry.FinishFunc, error) {
	if asked := request.NamespaceValue(ctx); asked != n.namespace {
		err := apierrors.NewNotFound(corev1.Resource("namespaces"), asked)
		err.ErrStatus.Message += fmt.Sprintf(": the container engine is in the namespace %q", n.namespace)
		return nil, err
	}
	return func(context.Context, bool) {}, nil
}

// one turns a request for the objects with one name in all namespaces into a request for one object. All objects of the
// engine are in one namespace. In a request for one object the name may also be an ID.
func (n *Namespaced) one(key string, opts storage.ListOptions) (string, storage.ListOptions) {
	name, ok := opts.Predicate.MatchesSingle()
	if ok && opts.Recursive && strings.TrimSuffix(key, "/")+"/" == n.prefix && len(content.IsPathSegmentName(name)) == 0 {
		opts.Recursive = false
		return n.prefix + n.namespace + "/" + name, opts
	}
	return key, opts
}

// Create implements storage.Interface.
func (n *Namespaced) Create(ctx context.Context, key string, obj, out runtime.Object, ttl uint64) error {
	return n.of(key).Create(ctx, key, obj, out, ttl)
}

// Delete implements storage.Interface.
func (n *Namespaced) Delete(ctx context.Context, key string, out runtime.Object, preconditions *storage.Preconditions,
	validate storage.ValidateObjectFunc, cached runtime.Object, opts storage.DeleteOptions) error {
	return n.of(key).Delete(ctx, key, out, preconditions, validate, cached, opts)
}

// Watch implements storage.Interface.
func (n *Namespaced) Watch(ctx context.Context, key string, opts storage.ListOptions) (watch.Interface, error) {
	key, opts = n.one(key, opts)
	return n.of(key).Watch(ctx, key, opts)
}

// Get implements storage.Interface.
func (n *Namespaced) Get(ctx context.Context, key string, opts storage.GetOptions, out runtime.Object) error {
	return n.of(key).Get(ctx, key, opts, out)
}

// GetList implements storage.Interface.
func (n *Namespaced) GetList(ctx context.Context, key string, opts storage.ListOptions, list runtime.Object) error {
	key, opts = n.one(key, opts)
	return n.of(key).GetList(ctx, key, opts, list)
}

// GuaranteedUpdate implements storage.Interface.
func (n *Namespaced) GuaranteedUpdate(ctx context.Context, key string, out runtime.Object, ignoreNotFound bool,
	preconditions *storage.Preconditions, update storage.UpdateFunc, cached runtime.Object) error {
	return n.of(key).GuaranteedUpdate(ctx, key, out, ignoreNotFound, preconditions, update, cached)
}
