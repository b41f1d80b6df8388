// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"slices"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

var engineResource = v1alpha1.Resource("engines")

// Engines is the source of the one object that shows the engine itself. Engines holds the whole status, so that reading
// it never needs the engine. The only subject is v1alpha1.EngineName.
type Engines struct {
	engine *Engine
	sink   Sink
	count  func() v1alpha1.EngineCounts

	mu       sync.Mutex
	status   v1alpha1.EngineStatus
	answered bool
	read     sets.Set[string] // the resources of the kinds that have been read at least once
}

func newEngines(e *Engine) *Engines {
	s := &Engines{engine: e, read: sets.New[string](), status: v1alpha1.EngineStatus{Endpoint: withoutSecrets(e.endpoint.docker.Host)}}
	s.lost(v1alpha1.EngineConnectFailed, e.err)
	return s
}

// SetSink sets the sink that changes are reported to, and the function that counts the engine's objects. Call it before
// Run.
func (s *Engines) SetSink(sink Sink, count func() v1alpha1.EngineCounts) {
	s.sink, s.count = sink, count
}

// Recount updates the counts, once a kind has been read.
func (s *Engines) Recount() { s.change(s.recount) }

func (s *Engines) recount(status *v1alpha1.EngineStatus) {
	if len(s.read) > 0 && s.count != nil {
		counts := s.count()
		status.Counts = &counts
	}
}

func (s *Engines) met(version Version) {
	s.change(func(status *v1alpha1.EngineStatus) {
		setVersion(status, version)
		status.StorageDriver = version.StorageDriver
	})
}

// connected shows that the engine answers and that no kind has been read yet. The storage driver stays as it was until
// the engine tells it again.
func (s *Engines) connected(version Version) {
	s.change(func(status *v1alpha1.EngineStatus) {
		s.answered = true
		setVersion(status, version)
		setCondition(status, v1alpha1.EngineReady, true, v1alpha1.EngineConnected, fmt.Sprintf("the container engine at %s answers", s.engine.Endpoint()))
		for _, k := range s.engine.kinds {
			setCondition(status, k.condition, false, v1alpha1.EngineSyncing, k.resource.Resource+" are being read")
		}
		s.summarize(status)
	})
}

// tried shows the result of reading a kind. If read is true, the kind had been read before, and the result is that of a
// comparison with Docker. tried reports whether the server has tried each kind since the engine connected.
func (s *Engines) tried(k kind, read bool, err error) (all bool) {
	s.change(func(status *v1alpha1.EngineStatus) {
		switch {
		case err == nil:
			setCondition(status, k.condition, true, v1alpha1.EngineSyncedReason, k.resource.Resource+" have been read")
		case read:
			setCondition(status, k.condition, false, v1alpha1.EngineComparisonFailed, fmt.Sprintf("%s are served, but could not be compared with the engine: %v", k.resource.Resource, err))
		default:
			setCondition(status, k.condition, false, v1alpha1.EngineUnavailable, err.Error())
		}
		if read {
			s.read.Insert(k.resource.Resource)
			s.recount(status)
		}
		s.summarize(status)
		all = !slices.ContainsFunc(s.engine.kinds, func(k kind) bool {
			return meta.FindStatusCondition(status.Conditions, k.condition).Reason == v1alpha1.EngineSyncing
		})
	})
	return all
}

// hasRead reports whether a kind has been read at least once since the server started.
func (s *Engines) hasRead(resource string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.read.Has(resource)
}

// summarize sets the condition Synced from the conditions of the kinds.
func (s *Engines) summarize(status *v1alpha1.EngineStatus) {
	reason, missing := v1alpha1.EngineSyncing, []string(nil)
	for _, k := range s.engine.kinds {
		c := meta.FindStatusCondition(status.Conditions, k.condition)
		if c.Status == metav1.ConditionTrue {
			continue
		}
		missing = append(missing, c.Message)
		if c.Reason != v1alpha1.EngineSyncing {
			reason = v1alpha1.EnginePartlySynced
		}
	}
	if len(missing) > 0 {
		setCondition(status, v1alpha1.EngineSynced, false, reason, strings.Join(missing, "; "))
		return
	}
	setCondition(status, v1alpha1.EngineSynced, true, v1alpha1.EngineSyncedReason, "all that the container engine holds has been read")
}

// checkSynced returns why the condition Synced is not true, or nil if it is true.
func (s *Engines) checkSynced() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := meta.FindStatusCondition(s.status.Conditions, v1alpha1.EngineSynced); c.Status != metav1.ConditionTrue {
		return errors.New(c.Message)
	}
	return nil
}

// checkRead returns why no kind has been read since the engine connected. It returns nil if a kind has been read, or if
// the server has tried each kind.
func (s *Engines) checkRead() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var reading []string
	for _, k := range s.engine.kinds {
		switch c := meta.FindStatusCondition(s.status.Conditions, k.condition); c.Reason {
		case v1alpha1.EngineSyncedReason, v1alpha1.EngineComparisonFailed:
			return nil
		case v1alpha1.EngineSyncing:
			reading = append(reading, c.Message)
		}
	}
	if len(reading) == 0 {
		return nil
	}
	return errors.New(strings.Join(reading, "; "))
}

func (s *Engines) lost(reason string, err error) {
	s.change(func(status *v1alpha1.EngineStatus) {
		setCondition(status, v1alpha1.EngineReady, false, reason, err.Error())
		for _, k := range s.engine.kinds {
			setCondition(status, k.condition, false, v1alpha1.EngineUnavailable, err.Error())
		}
		setCondition(status, v1alpha1.EngineSynced, false, v1alpha1.EngineUnavailable, err.Error())
	})
}

// reasonFor returns why the engine is not ready after err.
func (s *Engines) reasonFor(err error) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if unfit := (*notApplicableError)(nil); errors.As(err, &unfit) {
		return v1alpha1.EngineNotApplicable
	}
	if s.answered && isStopped(err) {
		return v1alpha1.EngineStopped
	}
	return v1alpha1.EngineConnectFailed
}

// isStopped reports whether err is typical of a stopped engine: nothing listens, or the engine closed the connection.
func isStopped(err error) bool {
	netErr := (*net.OpError)(nil)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return false
	case errors.Is(err, errStreamEnded), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, fs.ErrNotExist):
		return true
	case errors.As(err, &netErr):
		return !netErr.Timeout()
	}
	return strings.Contains(err.Error(), "Cannot connect to the Docker daemon")
}

func (s *Engines) change(change func(*v1alpha1.EngineStatus)) {
	s.mu.Lock()
	change(&s.status)
	s.mu.Unlock()
	if s.sink != nil {
		s.sink.MarkDirty(v1alpha1.EngineName)
	}
}

func setVersion(status *v1alpha1.EngineStatus, version Version) {
	status.Version = version.Engine
	status.APIVersion = version.API
	status.OS = version.OS
	status.Architecture = version.Architecture
}

func setCondition(status *v1alpha1.EngineStatus, kind string, is bool, reason, message string) {
	meta.SetStatusCondition(&status.Conditions, condition(kind, is, reason, message, metav1.Now().Rfc3339Copy()))
}

// Subjects returns the only subject.
func (s *Engines) Subjects(context.Context) ([]string, error) {
	return []string{v1alpha1.EngineName}, nil
}

// Observe returns the object with the current status.
func (s *Engines) Observe(context.Context, string) (map[string]runtime.Object, []string, error) {
	c, err := s.engine.current()
	unfenced := err == nil && !c.fenced()
	s.mu.Lock()
	defer s.mu.Unlock()
	object := &v1alpha1.Engine{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: s.engine.namespace,
			Name:      v1alpha1.EngineName,
			UID:       uidOf("Engine", v1alpha1.EngineName),
		},
		Status: *s.status.DeepCopy(),
	}
	if c := meta.FindStatusCondition(object.Status.Conditions, v1alpha1.EngineSynced); c.Status == metav1.ConditionTrue && unfenced {
		c.Message += "; the engine has no event log, so reads are as fresh as its event stream"
	}
	return map[string]runtime.Object{keyOf(object): object}, nil, nil
}

// Lookup finds nothing, because the store already holds the only object.
func (s *Engines) Lookup(context.Context, string) (string, error) { return "", nil }

// Fence returns at once, because the status here is always current.
func (s *Engines) Fence(context.Context) error { return nil }

// Create always fails: the API does not offer it.
func (s *Engines) Create(context.Context, string, runtime.Object) (string, error) {
	return "", apierrors.NewMethodNotSupported(engineResource, "create")
}

// Update always fails: the API does not offer it.
func (s *Engines) Update(context.Context, string, runtime.Object, runtime.Object) error {
	return apierrors.NewMethodNotSupported(engineResource, "update")
}

// Delete always fails: the API does not offer it.
func (s *Engines) Delete(context.Context, string, runtime.Object) error {
	return apierrors.NewMethodNotSupported(engineResource, "delete")
}
