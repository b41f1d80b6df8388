// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"math"
	"sync"
	"time"

	"github.com/docker/docker/api/types/container"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

const (
	defaultStopTimeout = 10 * time.Second
	endlessStopTimeout = 24 * time.Hour
)

// overlay is what is known of a container that Docker cannot store.
type overlay struct {
	deletionTimestamp *metav1.Time
	gracePeriod       int64
	lastAction        *v1alpha1.ContainerLastAction
	lastApplied       string
	stopTimeout       time.Duration
	// stopped is true when the container was last seen not to run.
	stopped bool
}

// overlays holds the overlay of each container by its ID, as long as the container exists.
type overlays struct {
	mu   sync.Mutex
	byID map[string]*overlay
}

// change changes the overlay of one container.
func (o *overlays) change(id string, change func(*overlay)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change(o.ofLocked(id))
}

func (o *overlays) ofLocked(id string) *overlay {
	if o.byID == nil {
		o.byID = map[string]*overlay{}
	}
	if o.byID[id] == nil {
		o.byID[id] = &overlay{stopTimeout: defaultStopTimeout}
	}
	return o.byID[id]
}

// wasStopped reports whether the container was last seen not to run.
func (o *overlays) wasStopped(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	known := o.byID[id]
	return known != nil && known.stopped
}

func (o *overlays) forget(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.byID, id)
}

// show writes the overlay into a container that was just made from response.
func (o *overlays) show(object *v1alpha1.Container, response *container.InspectResponse) {
	o.mu.Lock()
	defer o.mu.Unlock()
	known := o.ofLocked(response.ID)
	known.stopTimeout = stopTimeoutOf(response)
	known.stopped = object.Spec.State == v1alpha1.ContainerStateCreated
	object.Status.LastAction = known.lastAction.DeepCopy()
	if known.lastApplied != "" {
		object.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: known.lastApplied}
	}
	if known.deletionTimestamp != nil {
		object.DeletionTimestamp = known.deletionTimestamp.DeepCopy()
		grace := known.gracePeriod
		object.DeletionGracePeriodSeconds = &grace
	}
}

func stopTimeoutOf(response *container.InspectResponse) time.Duration {
	switch {
	case response.Config == nil || response.Config.StopTimeout == nil:
		return defaultStopTimeout
	case *response.Config.StopTimeout < 0:
		return endlessStopTimeout
	}
	const longest = math.MaxInt64 / int64(time.Second)
	return time.Duration(min(int64(*response.Config.StopTimeout), longest)) * time.Second
}

// StopTimeout returns how long the container of that ID may take to stop unless someone says otherwise.
func (s *Containers) StopTimeout(id string) time.Duration {
	s.overlays.mu.Lock()
	defer s.overlays.mu.Unlock()
	if known := s.overlays.byID[id]; known != nil {
		return known.stopTimeout
	}
	return defaultStopTimeout
}
