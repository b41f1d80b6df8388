// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregated_test

import (
	"context"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned"
	"github.com/rancher-sandbox/engine-apiserver/pkg/generated/informers/externalversions"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

// follower is an informer of containers behind the aggregator. names returns the names of the containers in its cache.
type follower struct{ names func() sets.Set[string] }

func follow(t *testing.T) *follower {
	t.Helper()
	clients, err := versioned.NewForConfig(config(t, cluster.Admin()))
	if err != nil {
		t.Fatal(err)
	}
	factory := externalversions.NewSharedInformerFactory(clients, 0)
	informer := factory.Containers().V1alpha1().Containers()
	synced := informer.Informer().HasSynced
	ctx, cancel := context.WithCancel(t.Context())
	factory.Start(ctx.Done())
	t.Cleanup(func() {
		cancel()
		factory.Shutdown()
	})
	if !cache.WaitForCacheSync(ctx.Done(), synced) {
		t.Fatal("the informer has not synced")
	}
	return &follower{func() sets.Set[string] {
		found, err := informer.Lister().Containers(namespace).List(labels.Everything())
		if err != nil {
			t.Fatal(err)
		}
		names := sets.New[string]()
		for _, object := range found {
			names.Insert(object.Name)
		}
		return names
	}}
}

func (f *follower) awaitAll(t *testing.T, names ...string) {
	t.Helper()
	kubectl.Eventually(t, "the informer has "+strings.Join(names, ", "), func() bool { return f.names().HasAll(names...) })
}

// equalsDocker waits until the informer has exactly the containers that Docker has.
func (f *follower) equalsDocker(t *testing.T) {
	t.Helper()
	containers, err := docker.Client().ContainerList(t.Context(), container.ListOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	want := sets.New[string]()
	for _, one := range containers {
		want.Insert(strings.TrimPrefix(one.Names[0], "/"))
	}
	kubectl.Eventually(t, "the informer has the same containers as Docker", func() bool { return f.names().Equal(want) })
}

func TestInformersFollowDockerThroughTheAggregator(t *testing.T) {
	// The detector compares the initial events of a watch with a list. It panics if they differ.
	t.Setenv("KUBE_WATCHLIST_INCONSISTENCY_DETECTOR", "true")
	serve(t)
	existing, _ := run(t, "existing")
	typed := follow(t)
	typed.awaitAll(t, existing)

	client, err := metadata.NewForConfig(config(t, cluster.Admin()))
	if err != nil {
		t.Fatal(err)
	}
	informer := metadatainformer.NewFilteredMetadataInformer(client, v1alpha1.SchemeGroupVersion.WithResource("containers"), namespace, 0, cache.Indexers{}, nil)
	go informer.Informer().RunWithContext(t.Context())
	created, id := run(t, "created")
	typed.awaitAll(t, created)
	kubectl.Eventually(t, "the metadata informer also has the container", func() bool {
		object, err := informer.Lister().ByNamespace(namespace).Get(created)
		if err != nil {
			return false
		}
		metadata, ok := object.(*metav1.PartialObjectMetadata)
		return ok && metadata.UID != ""
	})
	if err := docker.Client().ContainerRemove(t.Context(), id, container.RemoveOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	typed.equalsDocker(t)
}
