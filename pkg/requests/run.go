// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package requests

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

const (
	// maxLayers is how many layers a status shows. No engine can use an image with as many.
	maxLayers = 512
	// maxMessage is how many bytes of the message of an error a status shows.
	maxMessage = 4 << 10
)

// run is the work of a job, for all requests that ask for the same. Source.mu guards its fields.
type run struct {
	job     Job
	cancel  context.CancelFunc
	record  *record
	members map[*request]bool

	layers          []v1alpha1.ImageRequestLayer
	index           map[string]int // by the layer's ID
	message, digest string
}

// startLocked starts a run in a slot that the caller has taken. Its goroutine ends with the job, and Stop waits for it.
func (s *Source) startLocked(job Job) *run {
	r := &run{job: job, record: newRecord(), members: map[*request]bool{}, index: map[string]int{}}
	ctx, cancel := context.WithCancel(s.ctx)
	r.cancel = cancel
	s.runs[job.Key] = r
	s.work.Go(func() {
		defer cancel()
		result, err := job.Run(ctx, &Report{s, r})
		s.end(r, result, err)
	})
	return r
}

// end finishes the requests that share a run.
func (s *Source) end(ended *run, result Result, err error) {
	if err != nil && s.ctx.Err() != nil {
		err = failure{v1alpha1.RequestCancelled, fmt.Errorf("the server stopped before the end: %w", err)}
	}
	s.config.Slots.free()
	s.mu.Lock()
	s.forgetLocked(ended)
	ended.record.close()
	members := slices.Collect(maps.Keys(ended.members))
	for _, r := range members {
		s.finishLocked(r, result, err)
	}
	s.mu.Unlock()
	for _, r := range members {
		s.sink.MarkDirty(r.subject)
	}
}

// forgetLocked keeps other requests from joining a run.
func (s *Source) forgetLocked(r *run) {
	if s.runs[r.job.Key] == r {
		delete(s.runs, r.job.Key)
	}
}

// leaveLocked takes a request out of its run, and cancels the run if it was the last one.
func (s *Source) leaveLocked(r *request) {
	left := r.run
	delete(left.members, r)
	if len(left.members) == 0 {
		s.forgetLocked(left)
		left.cancel()
	}
}

// expire fails a request that took too long.
func (s *Source) expire(r *request) {
	s.mu.Lock()
	if r.run == nil || s.requests[r.subject] != r || s.ctx.Err() != nil {
		s.mu.Unlock()
		return
	}
	s.leaveLocked(r)
	s.finishLocked(r, Result{}, errDeadline)
	s.mu.Unlock()
	s.sink.MarkDirty(r.subject)
}

// finishLocked shows the end of a request. The caller then marks it dirty.
func (s *Source) finishLocked(r *request, result Result, err error) {
	r.stopTimers()
	object := r.object.DeepCopyObject()
	status := s.config.Status(object)
	if r.run != nil {
		r.run.show(status)
	}
	status.CompletionTime = s.now()
	conditionType, reason := v1alpha1.RequestComplete, v1alpha1.RequestComplete
	if err == nil {
		status.Image, status.ImageID, status.Message = result.Image, result.ImageID, result.Message
		if result.Digest != "" {
			status.Digest = result.Digest
		}
	} else {
		conditionType, reason, status.Message = v1alpha1.RequestFailed, reasonOf(err), cut(err.Error())
	}
	for _, kind := range []string{conditionType, v1alpha1.RequestFinished} {
		status.Conditions = append(status.Conditions, metav1.Condition{
			Type: kind, Status: metav1.ConditionTrue, Reason: reason, Message: status.Message, LastTransitionTime: *status.CompletionTime,
		})
	}
	r.object, r.run = object, nil
	s.finished = append(s.finished, r)
	r.expiry = s.config.Clock.AfterFunc(r.job.TimeToLive, func() { s.forget(r) })
	if errors.Is(err, errDeadline) {
		r.end(err)
		return
	}
	r.end(nil)
}

// cut cuts a message that is too long for a status. Registries choose what is in it.
func cut(message string) string {
	if len(message) > maxMessage {
		return strings.ToValidUTF8(message[:maxMessage], "")
	}
	return message
}

func reasonOf(err error) string {
	if failed := Failure(nil); errors.As(err, &failed) {
		return failed.FailureReason()
	}
	return v1alpha1.RequestFailedOtherwise
}

// forget removes a request whose time to live is over.
func (s *Source) forget(r *request) {
	s.mu.Lock()
	if s.requests[r.subject] != r || s.ctx.Err() != nil {
		s.mu.Unlock()
		return
	}
	s.removeLocked(r)
	s.mu.Unlock()
	s.sink.MarkDirty(r.subject)
}

// show writes how far a run has come into the status of one of its requests.
func (r *run) show(status *v1alpha1.ImageRequestStatus) {
	status.Layers = slices.Clone(r.layers)
	status.CurrentBytes, status.TotalBytes = 0, 0
	var known, sizes int64
	for _, layer := range r.layers {
		status.CurrentBytes += layer.Current
		known += layer.Total
		// What has arrived of a layer without a known size counts as its size, so that there is never more than all.
		sizes += max(layer.Total, layer.Current)
	}
	if known > 0 {
		status.TotalBytes = sizes
	}
	status.Message, status.Digest = r.message, r.digest
}

// changed shows a change of a run to its requests: at once, or when the last update of the request is long enough ago.
// change runs with the lock held.
func (s *Source) changed(of *run, change func()) {
	s.mu.Lock()
	change()
	now := s.config.Clock.Now()
	var dirty []string
	for r := range of.members {
		if r.update != nil {
			continue
		}
		if wait := updatePeriod - now.Sub(r.updatedAt); wait > 0 {
			r.update = s.config.Clock.AfterFunc(wait, func() { s.updateLate(r) })
			continue
		}
		s.updateLocked(r)
		dirty = append(dirty, r.subject)
	}
	s.mu.Unlock()
	for _, subject := range dirty {
		s.sink.MarkDirty(subject)
	}
}

// updateLate shows how far a request has come since its last update.
func (s *Source) updateLate(r *request) {
	s.mu.Lock()
	r.update = nil
	if r.run == nil || s.requests[r.subject] != r || s.ctx.Err() != nil {
		s.mu.Unlock()
		return
	}
	s.updateLocked(r)
	s.mu.Unlock()
	s.sink.MarkDirty(r.subject)
}

func (s *Source) updateLocked(r *request) {
	object := r.object.DeepCopyObject()
	r.run.show(s.config.Status(object))
	r.object, r.updatedAt = object, s.config.Clock.Now()
}

// Report is how a job tells how far it has come.
type Report struct {
	source *Source
	run    *run
}

// Layer reports how far a layer has come. A number that is smaller than one before changes nothing: a layer that is
// transferred again does not run backwards.
func (r *Report) Layer(id, phase string, current, total int64) {
	r.source.changed(r.run, func() {
		at, known := r.run.index[id]
		if !known {
			if len(r.run.layers) >= maxLayers {
				return
			}
			at = len(r.run.layers)
			r.run.index[id] = at
			r.run.layers = append(r.run.layers, v1alpha1.ImageRequestLayer{ID: id})
		}
		layer := &r.run.layers[at]
		if phase != "" {
			layer.Phase = phase
		}
		layer.Current = max(layer.Current, current)
		// A size that was wrong must not make a layer larger than its size.
		layer.Total = max(layer.Total, total)
		if layer.Total > 0 {
			layer.Total = max(layer.Total, layer.Current)
		}
	})
}

// Complete reports that a layer has come to its end.
func (r *Report) Complete(id, phase string) {
	r.source.changed(r.run, func() {
		if at, known := r.run.index[id]; known {
			layer := &r.run.layers[at]
			layer.Phase = phase
			layer.Total = max(layer.Total, layer.Current)
			layer.Current = layer.Total
		}
	})
}

// Message reports what there is to say about the work as a whole.
func (r *Report) Message(message string) {
	r.source.changed(r.run, func() { r.run.message = message })
}

// Digest reports the digest of the image.
func (r *Report) Digest(digest string) {
	r.source.changed(r.run, func() { r.run.digest = digest })
}

// Log adds a line to the log. It replaces the last line with the same key, unless the key is empty.
func (r *Report) Log(key string, line []byte) { r.run.record.add(key, line) }
