// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"hash/maphash"
	"math"
	"slices"
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

// overlay is what the server knows about a container and Docker cannot store.
type overlay struct {
	deletionTimestamp *metav1.Time
	gracePeriod       int64
	deletion          *gracefulDeletion // nil unless a graceful deletion is under way
	lastAction        *v1alpha1.ContainerLastAction
	lastApplied       string
	stopTimeout       time.Duration
	tty               bool // whether the container has a terminal
	// environment is spec.env with its values, if the container does not show them.
	environment []v1alpha1.ContainerEnvVar
	// stopped is true if the container was not running when it was last observed.
	stopped bool
	// answer is a digest of Docker's last answer. shown is the container that was made of that answer. Nothing in shown
	// changes later, except for its overlay, its resourceVersion and its generation.
	answer digest
	shown  *v1alpha1.Container
	// others are the IDs of the containers that shown names.
	others []string
}

// digest is a digest of an answer of Docker's and of the engine's defaults.
type digest uint64

// noDigest is the digest of an answer from which something else may be made the next time.
const noDigest digest = 0

var answerSeed = maphash.MakeSeed()

func digestOf(answer []byte, usual *engineDefaults) digest {
	if usual == nil {
		return noDigest
	}
	return digest(maphash.Bytes(answerSeed, answer) ^ maphash.Comparable(answerSeed, *usual))
}

// overlays holds the overlay of each container by ID, for as long as the container exists.
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

// wasStopped reports whether the container was not running when it was last observed.
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

// learn notes the container that was made of an answer of Docker's, and what the container does not show.
func (o *overlays) learn(object *v1alpha1.Container, seen *inspected) {
	o.mu.Lock()
	defer o.mu.Unlock()
	known := o.ofLocked(object.Status.ID)
	known.stopTimeout = stopTimeoutOf(seen.response)
	known.tty = seen.response.Config != nil && seen.response.Config.Tty
	known.answer, known.shown, known.others = seen.digest, object, othersOf(seen.response)
}

// naming returns the containers that name the one with that ID.
func (o *overlays) naming(id string) (found []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for by, known := range o.byID {
		if slices.Contains(known.others, id) {
			found = append(found, by)
		}
	}
	return found
}

// nameOf returns the name with which a container was last shown, or "" if it was not shown.
func (o *overlays) nameOf(id string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if known := o.byID[id]; known != nil && known.shown != nil {
		return known.shown.Status.Name
	}
	return ""
}

// hasTerminal reports whether a container has a terminal, if that is known.
func (o *overlays) hasTerminal(id string) (tty, isKnown bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	known := o.byID[id]
	if known == nil || known.shown == nil {
		return false, false
	}
	return known.tty, true
}

// recall returns the container that was made of the last answer, or nil if there was none, and the digest of that answer.
// The returned container is a shallow copy: the caller must not change anything that its fields point to.
func (o *overlays) recall(id string) (last *v1alpha1.Container, answer digest) {
	o.mu.Lock()
	defer o.mu.Unlock()
	known := o.byID[id]
	if known == nil || known.shown == nil {
		return nil, noDigest
	}
	object := *known.shown
	object.ResourceVersion = ""
	return &object, known.answer
}

// show copies the overlay into a container.
func (o *overlays) show(object *v1alpha1.Container) {
	o.mu.Lock()
	defer o.mu.Unlock()
	known := o.ofLocked(object.Status.ID)
	known.stopped = object.Spec.State == v1alpha1.ContainerStateCreated
	object.Status.LastAction = known.lastAction.DeepCopy()
	object.Annotations = nil
	if known.lastApplied != "" {
		object.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: known.lastApplied}
	}
	object.DeletionTimestamp, object.DeletionGracePeriodSeconds = known.deletionTimestamp.DeepCopy(), nil
	if known.deletionTimestamp != nil {
		object.DeletionGracePeriodSeconds = new(known.gracePeriod)
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

// StopTimeout returns how long the container with that ID may take to stop if the request does not say.
func (s *Source) StopTimeout(id string) time.Duration {
	s.overlays.mu.Lock()
	defer s.overlays.mu.Unlock()
	if known := s.overlays.byID[id]; known != nil {
		return known.stopTimeout
	}
	return defaultStopTimeout
}
