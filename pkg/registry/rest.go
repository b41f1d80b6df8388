// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"

	"k8s.io/apimachinery/pkg/api/meta"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
	"github.com/rancher-sandbox/engine-apiserver/pkg/livestore"
)

// A Reader serves get, list and watch. Discovery shows the verbs for which a storage has methods, and the generic store
// has methods for all verbs. There is therefore one type for each set of verbs.
type Reader struct {
	resource Resource
	store    *genericregistry.Store
	// shared is the same store for gets. Gets of the same version share the object and its encodings.
	shared *genericregistry.Store
}

// A Deleter is a Reader that also serves delete and deletecollection.
type Deleter struct{ *Reader }

// A Creator is a Deleter that also serves create.
type Creator struct{ *Deleter }

// An Updater is a Deleter that also serves update and patch.
type Updater struct{ *Deleter }

var (
	_ rest.Storage              = &Reader{}
	_ rest.Scoper               = &Reader{}
	_ rest.Getter               = &Reader{}
	_ rest.Lister               = &Reader{}
	_ rest.Watcher              = &Reader{}
	_ rest.ShortNamesProvider   = &Reader{}
	_ rest.CategoriesProvider   = &Reader{}
	_ rest.SingularNameProvider = &Reader{}
	_ rest.GracefulDeleter      = &Deleter{}
	_ rest.CollectionDeleter    = &Deleter{}
	_ rest.Creater              = &Creator{}
	_ rest.Patcher              = &Updater{}
	_ rest.ResetFieldsStrategy  = &Updater{}
)

// NewReader returns the read-only storage of a resource over its objects.
func NewReader(resource Resource, scheme *runtime.Scheme, objects storage.Interface) (*Reader, error) {
	store, err := resource.newStore(scheme, objects)
	if err != nil {
		return nil, err
	}
	shared := *store
	shared.NewFunc = func() runtime.Object { return &livestore.Object{} }
	return &Reader{resource: resource, store: store, shared: &shared}, nil
}

// New implements rest.Storage.
func (r *Reader) New() runtime.Object { return r.store.New() }

// Destroy implements rest.Storage. It does nothing: the storage of the objects belongs to its creator.
func (r *Reader) Destroy() {}

// NewList implements rest.Lister. It returns an ordinary list of the kind. The lists that List returns encode to such a
// list.
func (r *Reader) NewList() runtime.Object { return r.resource.NewListFunc() }

// NamespaceScoped implements rest.Scoper.
func (r *Reader) NamespaceScoped() bool { return true }

// GetSingularName implements rest.SingularNameProvider.
func (r *Reader) GetSingularName() string { return r.resource.SingularName }

// ShortNames implements rest.ShortNamesProvider.
func (r *Reader) ShortNames() []string {
	if r.resource.ShortName == "" {
		return nil
	}
	return []string{r.resource.ShortName}
}

// Categories implements rest.CategoriesProvider.
func (r *Reader) Categories() []string {
	if r.resource.NoCategory {
		return nil
	}
	return []string{Category}
}

// Get implements rest.Getter. The result is a runtime.CacheableObject. Its GetObject returns an ordinary object.
func (r *Reader) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	ctx, cancel := withTimeToAnswer(ctx)
	defer cancel()
	return r.shared.Get(ctx, name, options)
}

// List implements rest.Lister. The result is a runtime.CacheableObject. Its GetObject returns an ordinary list.
func (r *Reader) List(ctx context.Context, options *metainternalversion.ListOptions) (runtime.Object, error) {
	if err := CheckListOptions(ctx, options); err != nil {
		return nil, err
	}
	ctx, cancel := withTimeToAnswer(ctx)
	defer cancel()
	return r.store.List(ctx, r.resource.listed(ctx, options))
}

// Watch implements rest.Watcher.
func (r *Reader) Watch(ctx context.Context, options *metainternalversion.ListOptions) (watch.Interface, error) {
	if err := CheckListOptions(ctx, options); err != nil {
		return nil, err
	}
	return r.store.Watch(ctx, options)
}

// ConvertToTable implements rest.TableConvertor.
func (r *Reader) ConvertToTable(ctx context.Context, object, options runtime.Object) (*metav1.Table, error) {
	return r.store.ConvertToTable(ctx, Ordinary(object), options)
}

// Ordinary returns the object itself, whether or not it was read as a runtime.CacheableObject.
func Ordinary(object runtime.Object) runtime.Object {
	if shared, ok := object.(runtime.CacheableObject); ok {
		return shared.GetObject()
	}
	return object
}

// Delete implements rest.GracefulDeleter. It answers with a Status, even if the deletion is still going on.
func (d *Deleter) Delete(ctx context.Context, name string, validate rest.ValidateObjectFunc, options *metav1.DeleteOptions) (runtime.Object, bool, error) {
	if err := checkDeleteOptions(options); err != nil {
		return nil, false, err
	}
	ctx, cancel := withTimeToAnswer(ctx)
	defer cancel()
	answer, deleted, err := d.store.Delete(deletion(ctx, options), name, validate, options)
	if err != nil {
		return nil, false, err
	}
	if _, ok := answer.(*metav1.Status); ok {
		return answer, deleted, nil
	}
	accessor, err := meta.Accessor(answer)
	if err != nil {
		return nil, false, err
	}
	return &metav1.Status{Status: metav1.StatusSuccess, Details: &metav1.StatusDetails{
		Name:  accessor.GetName(),
		Group: d.store.DefaultQualifiedResource.Group,
		Kind:  d.store.DefaultQualifiedResource.Resource,
		UID:   accessor.GetUID(),
	}}, deleted, nil
}

// deletion returns the context of a delete request.
func deletion(ctx context.Context, options *metav1.DeleteOptions) context.Context {
	return livestore.WithDelete(source.WithDeleteOptions(ctx, options), options)
}

// Create implements rest.Creater.
func (c *Creator) Create(ctx context.Context, object runtime.Object, validate rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	ctx, cancel := withTimeToAnswer(ctx)
	defer cancel()
	return c.store.Create(ctx, object, validate, options)
}

// Update implements rest.Updater. It never creates an object, not even for a server-side apply.
func (u *Updater) Update(ctx context.Context, name string, info rest.UpdatedObjectInfo, create rest.ValidateObjectFunc, update rest.ValidateObjectUpdateFunc, _ bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	ctx, cancel := withTimeToAnswer(ctx)
	defer cancel()
	return u.store.Update(ctx, name, unowned{info}, create, update, false, options)
}

// GetResetFields implements rest.ResetFieldsStrategy. The status in a request is ignored.
func (u *Updater) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return resetFields
}
