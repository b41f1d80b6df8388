// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

// sightings remembers when each image got its tags or lost its last one, because Docker does not say.
type sightings struct {
	mu   sync.Mutex
	byID map[string]map[types.UID]metav1.Time
}

// see notes the objects that show an image, and sets the times of their conditions. An object that was seen before
// keeps its time. Another object gets the time now. But if late is true and this is the first look at the image, the
// object keeps the time that it has, because it may have changed long ago.
func (s *sightings) see(id string, images []*v1alpha1.Image, now metav1.Time, late bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, isKnown := s.byID[id]
	after := make(map[types.UID]metav1.Time, len(images))
	for _, image := range images {
		for i := range image.Status.Conditions {
			c := &image.Status.Conditions[i]
			if since, seen := before[image.UID]; seen {
				c.LastTransitionTime = since
			} else if isKnown || !late {
				c.LastTransitionTime = source.Latest(&c.LastTransitionTime, &now)
			}
			after[image.UID] = c.LastTransitionTime
		}
	}
	if s.byID == nil {
		s.byID = map[string]map[types.UID]metav1.Time{}
	}
	s.byID[id] = after
}

func (s *sightings) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, id)
}
