// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package requests_test

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/storage"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/livestore"
	"github.com/rancher-sandbox/engine-apiserver/pkg/requests"
)

// newStore returns a live store of requests whose jobs call run.
func newStore(t *testing.T, run func(ctx context.Context, report *requests.Report) (requests.Result, error)) *livestore.Store {
	t.Helper()
	resource := v1alpha1.Resource("imagepullrequests")
	source := requests.New(requests.Config{
		Resource: resource,
		Status: func(object runtime.Object) *v1alpha1.ImageRequestStatus {
			return &object.(*v1alpha1.ImagePullRequest).Status
		},
		Plan: func(context.Context, runtime.Object) (requests.Job, error) {
			return requests.Job{TimeToLive: time.Minute, Run: run}, nil
		},
	})
	store := livestore.New(livestore.Config{
		Versions: livestore.NewVersions(1), Resource: resource, Prefix: "/imagepullrequests/",
		NewFunc: func() runtime.Object { return &v1alpha1.ImagePullRequest{} }, Source: source,
	})
	source.SetSink(store)
	if err := store.Resync(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		source.Stop()
		store.Stop()
	})
	return store
}

const key = "/imagepullrequests/rancher-desktop/a"

// create creates a request, and returns a watch of all changes from its creation on.
func create(t *testing.T, store *livestore.Store) watch.Interface {
	t.Helper()
	begin, err := store.GetCurrentResourceVersion(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	request := &v1alpha1.ImagePullRequest{ObjectMeta: metav1.ObjectMeta{Namespace: "rancher-desktop", Name: "a", UID: "1"}}
	if err := store.Create(t.Context(), key, request, &v1alpha1.ImagePullRequest{}, 0); err != nil {
		t.Fatal(err)
	}
	changes, err := store.Watch(t.Context(), "/imagepullrequests/", storage.ListOptions{
		ResourceVersion: strconv.FormatUint(begin, 10), Predicate: storage.Everything, Recursive: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(changes.Stop)
	return changes
}

// seen returns the events of a watch up to the deletion.
func seen(changes watch.Interface) (events []string) {
	for event := range changes.ResultChan() {
		text, object := string(event.Type), event.Object
		if shared, ok := object.(runtime.CacheableObject); ok {
			object = shared.GetObject()
		}
		if request, ok := object.(*v1alpha1.ImagePullRequest); ok && meta.IsStatusConditionTrue(request.Status.Conditions, v1alpha1.RequestComplete) {
			text += " complete"
		}
		events = append(events, text)
		if event.Type == watch.Deleted {
			return events
		}
	}
	return events
}

func TestAWatchSeesDELETEDWhenTheTimeToLiveIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t, func(context.Context, *requests.Report) (requests.Result, error) {
			time.Sleep(time.Second)
			return requests.Result{}, nil
		})
		began := time.Now()
		changes := create(t, store)
		want := []string{"ADDED", "MODIFIED complete", "DELETED complete"}
		if got := seen(changes); !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
		if took := time.Since(began); took < 61*time.Second {
			t.Errorf("the request lived for %s", took)
		}
	})
}

func TestAWatchSeesDELETEDWhenARunningRequestIsDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan struct{})
		store := newStore(t, func(ctx context.Context, _ *requests.Report) (requests.Result, error) {
			<-ctx.Done()
			close(ended)
			return requests.Result{}, ctx.Err()
		})
		changes := create(t, store)
		err := store.Delete(t.Context(), key, &v1alpha1.ImagePullRequest{}, nil, storage.ValidateAllObjectFunc, nil, storage.DeleteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		<-ended
		if got := seen(changes); !slices.Equal(got, []string{"ADDED", "DELETED"}) {
			t.Errorf("%q", got)
		}
	})
}
