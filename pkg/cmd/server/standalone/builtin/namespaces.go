// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package builtin

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/livestore"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

// namespaces is the REST storage of Namespaces. It holds only the namespace that shows the engine. That one never
// changes.
type namespaces struct {
	store   *genericregistry.Store
	objects *livestore.Store
	started metav1.Time
}

var (
	_ rest.Storage              = &namespaces{}
	_ rest.Scoper               = &namespaces{}
	_ rest.Getter               = &namespaces{}
	_ rest.Lister               = &namespaces{}
	_ rest.Watcher              = &namespaces{}
	_ rest.ShortNamesProvider   = &namespaces{}
	_ rest.SingularNameProvider = &namespaces{}
)

func newNamespaces(shown string, versions *livestore.Versions) (*namespaces, error) {
	const resource = "namespaces"
	n := &namespaces{started: metav1.Now()}
	newFunc := func() runtime.Object { return &corev1.Namespace{} }
	n.objects = livestore.New(livestore.Config{
		Versions: versions,
		Resource: corev1.Resource(resource),
		Prefix:   registry.Prefix(resource),
		NewFunc:  newFunc,
		Source:   livestore.NewStatic(corev1.Resource(resource), map[string]runtime.Object{shown: n.namespace(shown)}),
	})
	if err := n.objects.Resync(context.Background()); err != nil {
		return nil, fmt.Errorf("filling the store of namespaces: %w", err)
	}
	n.store = &genericregistry.Store{
		NewFunc:                   newFunc,
		NewListFunc:               func() runtime.Object { return &corev1.NamespaceList{} },
		DefaultQualifiedResource:  corev1.Resource(resource),
		SingularQualifiedResource: corev1.Resource("namespace"),
		UpdateStrategy:            clusterScoped{registry.Strategy{ObjectTyper: scheme}},
		DeleteStrategy:            clusterScoped{registry.Strategy{ObjectTyper: scheme}},
		TableConvertor: registry.NewTableConvertor(registry.Column[*corev1.Namespace]{
			Name:        "Status",
			Description: "Whether the namespace is active.",
			Cell:        func(namespace *corev1.Namespace) string { return string(namespace.Status.Phase) },
		}, registry.Age[*corev1.Namespace]()),
		Storage: genericregistry.DryRunnableStorage{Storage: n.objects},
	}
	err := n.store.CompleteWithOptions(&generic.StoreOptions{
		RESTOptions: generic.RESTOptions{ResourcePrefix: resource},
		AttrFunc:    namespaceAttrs,
	})
	if err != nil {
		return nil, fmt.Errorf("completing the storage of namespaces: %w", err)
	}
	return n, nil
}

type clusterScoped struct{ registry.Strategy }

// NamespaceScoped implements rest.RESTUpdateStrategy.
func (clusterScoped) NamespaceScoped() bool { return false }

// namespaceAttrs returns the labels and fields by which a namespace can be selected.
func namespaceAttrs(obj runtime.Object) (labels.Set, fields.Set, error) {
	namespace, ok := obj.(*corev1.Namespace)
	if !ok {
		return nil, nil, fmt.Errorf("a %T is not a namespace", obj)
	}
	return namespace.Labels, fields.Set{"metadata.name": namespace.Name}, nil
}

func (n *namespaces) namespace(name string) *corev1.Namespace {
	return &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{
			Name:              name,
			UID:               types.UID(uuid.NewSHA1(uuid.NameSpaceURL, []byte("v1/namespaces/"+name)).String()),
			CreationTimestamp: n.started,
			Labels:            map[string]string{corev1.LabelMetadataName: name},
		},
		Status: corev1.NamespaceStatus{Phase: corev1.NamespaceActive},
	}
}

// New implements rest.Storage.
func (n *namespaces) New() runtime.Object { return n.store.New() }

// Destroy implements rest.Storage.
func (n *namespaces) Destroy() { n.objects.Stop() }

// NewList implements rest.Lister.
func (n *namespaces) NewList() runtime.Object { return n.store.NewList() }

// NamespaceScoped implements rest.Scoper.
func (n *namespaces) NamespaceScoped() bool { return false }

// GetSingularName implements rest.SingularNameProvider.
func (n *namespaces) GetSingularName() string { return n.store.GetSingularName() }

// ShortNames implements rest.ShortNamesProvider.
func (n *namespaces) ShortNames() []string { return []string{"ns"} }

// Get implements rest.Getter. It returns any namespace, even one that the list does not show. If kubectl does not find
// an object, it asks for the object's namespace. It would then report the namespace as missing, and not the object.
func (n *namespaces) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	namespace, err := n.store.Get(ctx, name, options)
	if apierrors.IsNotFound(err) {
		return n.namespace(name), nil
	}
	return namespace, err
}

// List implements rest.Lister.
func (n *namespaces) List(ctx context.Context, options *metainternalversion.ListOptions) (runtime.Object, error) {
	if err := registry.CheckListOptions(ctx, options); err != nil {
		return nil, err
	}
	return n.store.List(ctx, options)
}

// Watch implements rest.Watcher.
func (n *namespaces) Watch(ctx context.Context, options *metainternalversion.ListOptions) (watch.Interface, error) {
	if err := registry.CheckListOptions(ctx, options); err != nil {
		return nil, err
	}
	return n.store.Watch(ctx, options)
}

// ConvertToTable implements rest.TableConvertor.
func (n *namespaces) ConvertToTable(ctx context.Context, object, options runtime.Object) (*metav1.Table, error) {
	return n.store.ConvertToTable(ctx, object, options)
}
