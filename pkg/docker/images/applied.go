// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"sync"

	corev1 "k8s.io/api/core/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// applied remembers what kubectl last applied to the tags of images. Docker cannot store it.
type applied struct {
	mu sync.Mutex
	// byID has the configurations by image and tag.
	byID map[string]map[string]configuration
}

type configuration struct {
	text string
	// isShown is true once an observation has shown the tag. Then the configuration goes with the tag.
	isShown bool
}

// set remembers a configuration. An empty text forgets it.
func (a *applied) set(id, tag, text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if text == "" {
		delete(a.byID[id], tag)
		return
	}
	if a.byID == nil {
		a.byID = map[string]map[string]configuration{}
	}
	if a.byID[id] == nil {
		a.byID[id] = map[string]configuration{}
	}
	a.byID[id][tag] = configuration{text: text, isShown: a.byID[id][tag].isShown}
}

// show writes the configurations into the objects of an image. It forgets those of tags that the image has lost.
func (a *applied) show(id string, images []*v1alpha1.Image) {
	a.mu.Lock()
	defer a.mu.Unlock()
	known := a.byID[id]
	if len(known) == 0 {
		return
	}
	left := map[string]configuration{}
	for tag, c := range known {
		if !c.isShown {
			left[tag] = c // this observation may have begun before the image got the tag
		}
	}
	for _, image := range images {
		if c, ok := known[image.Status.RepoTag]; ok {
			image.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: c.text}
			left[image.Status.RepoTag] = configuration{text: c.text, isShown: true}
		}
	}
	a.byID[id] = left
}

// forget forgets an image that is gone.
func (a *applied) forget(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.byID, id)
}
