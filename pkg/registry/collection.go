// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
)

// DeleteCollection implements rest.CollectionDeleter. It goes on over an object that Docker does not remove because the
// object has come into use. Its error then names all objects that stayed.
func (d *Deleter) DeleteCollection(ctx context.Context, validate rest.ValidateObjectFunc, options *metav1.DeleteOptions, list *metainternalversion.ListOptions) (runtime.Object, error) {
	if err := checkCollectionPath(ctx); err != nil {
		return nil, err
	}
	if err := CheckListOptions(ctx, list); err != nil {
		return nil, err
	}
	if err := checkDeleteOptions(options); err != nil {
		return nil, err
	}
	ctx, cancel := withTimeToAnswer(ctx)
	defer cancel()
	deleted, err := d.deleteListed(deletion(ctx, options), validate, options, d.resource.removable(list))
	if err != nil && errors.Is(err, ctx.Err()) {
		return nil, apierrors.NewTimeoutError("the request ended before the whole collection was deleted", 0)
	}
	return deleted, err
}

// deleteListed deletes all objects that the list options select, and returns their list.
func (d *Deleter) deleteListed(ctx context.Context, validate rest.ValidateObjectFunc, options *metav1.DeleteOptions, list *metainternalversion.ListOptions) (runtime.Object, error) {
	listed, err := d.store.List(ctx, list)
	if err != nil {
		return nil, err
	}
	objects, err := meta.ExtractList(listed)
	if err != nil {
		return nil, fmt.Errorf("deleting a collection: %w", err)
	}
	var all stayed
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(max(d.resource.DeleteCollectionWorkers, 1))
	for _, object := range objects {
		if groupCtx.Err() != nil {
			break
		}
		group.Go(func() error {
			accessor, err := meta.Accessor(object)
			if err != nil {
				return err
			}
			// The generic store changes the options that it is given.
			_, _, err = d.store.Delete(groupCtx, accessor.GetName(), validate, options.DeepCopy())
			switch {
			case apierrors.IsNotFound(err):
				return nil
			case apierrors.IsConflict(err):
				all.add(accessor.GetName(), err)
				return nil
			}
			return err
		})
	}
	if err := cmp.Or(group.Wait(), ctx.Err()); err != nil {
		return nil, err
	}
	return listed, all.conflict(d, len(objects))
}

// stayed are the objects of a collection that Docker did not remove.
type stayed struct {
	mu     sync.Mutex
	causes []metav1.StatusCause
	first  error
}

func (s *stayed) add(name string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first == nil {
		s.first = err
	}
	words := err.Error()
	if status := apierrors.APIStatus(nil); errors.As(err, &status) {
		words = status.Status().Message
	}
	s.causes = append(s.causes, metav1.StatusCause{Type: metav1.CauseTypeUnexpectedServerResponse, Field: name, Message: words})
}

// conflict returns the error of a deletion of so many objects. It is nil if all of them are gone.
func (s *stayed) conflict(d *Deleter, objects int) error {
	switch len(s.causes) {
	case 0:
		return nil
	case 1:
		return s.first
	}
	slices.SortFunc(s.causes, func(a, b metav1.StatusCause) int { return strings.Compare(a.Field, b.Field) })
	var names []string
	for _, cause := range s.causes {
		names = append(names, fmt.Sprintf("%s (%s)", cause.Field, cause.Message))
	}
	resource := d.store.DefaultQualifiedResource
	err := apierrors.NewConflict(resource, "", nil)
	err.ErrStatus.Message = fmt.Sprintf("%d of %d %s stayed, the others are deleted: %s", len(names), objects, resource.Resource, strings.Join(names, "; "))
	err.ErrStatus.Details.Causes = s.causes
	return err
}
