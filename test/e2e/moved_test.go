// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"slices"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// tagMoves is how often TestATagThatMovesIsNeverMissing moves the tag.
const tagMoves = 200

func TestATagThatMovesIsNeverMissing(t *testing.T) {
	config := server.Config(t)
	config.QPS = -1
	clientset, err := versioned.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	images := clientset.ContainersV1alpha1().Images(testserver.Namespace)
	sources := []string{engine.UniqueName("source") + ":1", engine.UniqueName("source") + ":2"}
	for _, source := range sources {
		docker.Image(t, source)
	}
	tag := engine.UniqueName("moves") + ":latest"
	if err := docker.Client().ImageTag(t.Context(), sources[0], tag); err != nil {
		t.Fatal(err)
	}

	moved := make(chan struct{})
	var readers sync.WaitGroup
	readUntilMoved := func(what string, read func() (found bool, err error)) {
		readers.Go(func() {
			for {
				if found, err := read(); err != nil || !found {
					t.Errorf("a %s finds the tag: %v, %v", what, found, err)
					return
				}
				select {
				case <-moved:
					return
				default:
				}
			}
		})
	}
	readUntilMoved("list", func() (bool, error) {
		list, err := images.List(t.Context(), metav1.ListOptions{})
		return err == nil && slices.ContainsFunc(list.Items, func(image v1alpha1.Image) bool { return image.Status.RepoTag == tag }), err
	})
	// A get observes the image that had the tag. So it may observe the former owner of the tag before the new one.
	readUntilMoved("get", func() (bool, error) {
		image, err := images.Get(t.Context(), tag, metav1.GetOptions{})
		return err == nil && image.Status.RepoTag == tag, err
	})
	for i := range tagMoves {
		if err := docker.Client().ImageTag(t.Context(), sources[(i+1)%2], tag); err != nil {
			t.Error(err)
			break
		}
	}
	close(moved)
	readers.Wait()
}
