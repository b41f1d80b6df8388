// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"errors"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// seeFunc looks at a container as it is now, or as it was when it was removed. It ends a follow by true or an error.
type seeFunc func(watch.EventType, *v1alpha1.Container) (bool, error)

// follow calls see with the container as it is now, and after each of its changes. A loss of the connection or a restart
// of the server does not end it, nor does another name for the container.
func (c *containers) follow(ctx context.Context, container *v1alpha1.Container, see seeFunc) error {
	for container != nil {
		var err error
		if container, err = c.followName(ctx, container, see); err != nil {
			return err
		}
	}
	return nil
}

// followName is a follow until the container has another name. Then it returns the container as it is now.
func (c *containers) followName(ctx context.Context, container *v1alpha1.Container, see seeFunc) (renamed *v1alpha1.Container, err error) {
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	id := container.Status.ID
	gone := func(last *v1alpha1.Container) (bool, error) {
		// The container has another name, or it is gone. A user who may only see this name cannot tell.
		renamed, err = c.Get(ctx, id, metav1.GetOptions{})
		if isAbsent(err) || apierrors.IsForbidden(err) {
			renamed = nil
			return see(watch.Deleted, last)
		}
		return err == nil, err
	}
	_, err = watchtools.UntilWithSync(ctx, listWatch(c.ContainerInterface, selectOne(container), giveUp), &v1alpha1.Container{}, func(store cache.Store) (bool, error) {
		if len(store.ListKeys()) == 0 {
			return gone(container)
		}
		return false, nil
	}, func(event watch.Event) (bool, error) {
		current := event.Object.(*v1alpha1.Container)
		if current.Status.ID != id { // another container has got the name
			return gone(container)
		}
		if event.Type == watch.Deleted {
			return gone(current)
		}
		return see(event.Type, current)
	})
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	return renamed, err
}

// selectOne selects the container. A right to its name allows only the selection by name. A container that was found by its ID has
// that as its name.
func selectOne(container *v1alpha1.Container) func(*metav1.ListOptions) {
	selector := fields.OneTermEqualSelector(metav1.ObjectNameField, container.Name)
	if strings.HasPrefix(container.Status.ID, container.Name) {
		selector = fields.OneTermEqualSelector("status.id", container.Status.ID)
	}
	return func(options *metav1.ListOptions) { options.FieldSelector = selector.String() }
}

// watchable is the client of a kind.
type watchable[L runtime.Object] interface {
	List(context.Context, metav1.ListOptions) (L, error)
	Watch(context.Context, metav1.ListOptions) (watch.Interface, error)
}

// listWatch lists and watches the objects of a kind that are selected. It gives up if the server refuses that. Other errors may pass.
func listWatch[L runtime.Object](client watchable[L], selected func(*metav1.ListOptions), giveUp context.CancelCauseFunc) *cache.ListWatch {
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			selected(&options)
			list, err := client.List(ctx, options)
			return list, unlessRefused(err, giveUp)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			selected(&options)
			events, err := client.Watch(ctx, options)
			return events, unlessRefused(err, giveUp)
		},
	}
}

// unlessRefused returns err. It gives up if the server refuses what was asked for. Other errors may pass.
func unlessRefused(err error, giveUp context.CancelCauseFunc) error {
	if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || apierrors.IsNotFound(err) {
		giveUp(err)
	}
	return err
}

// errRemoved is the error of a command whose container was removed while the command waited for something else.
var errRemoved = errors.New("it was removed")
