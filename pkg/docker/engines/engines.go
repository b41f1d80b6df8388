// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package engines

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

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

var engineResource = v1alpha1.Resource("engines")

// ErrStreamEnded says that the engine closed its event stream, as it does when it is stopped.
var ErrStreamEnded = errors.New("its event stream ended")

// Kind is a kind of object that an engine holds, as the status of the engine shows it.
type Kind struct {
	// Resource is the plural name, such as volumes.
	Resource string
	// Condition is the type of the condition that says whether the kind has been read.
	Condition string
}

// Source is the source of the one object that shows the engine itself. Source holds the whole status, so that reading it
// never needs the engine. The only subject is v1alpha1.EngineName.
type Source struct {
	source.Base
	endpoint string
	kinds    []Kind
	isFenced func() bool
	count    func() v1alpha1.EngineCounts

	mu       sync.Mutex
	status   v1alpha1.EngineStatus
	answered bool
	read     sets.Set[string] // the resources of the kinds that have been read at least once
}

// New returns the source of the object that shows an engine with these kinds. isFenced reports whether live reads check the
// engine's event log first.
func New(engine source.Engine, endpoint *connection.Endpoint, kinds []Kind, isFenced func() bool) *Source {
	s := &Source{
		Base:     source.NewBase(engine, engineResource),
		endpoint: endpoint.String(),
		kinds:    kinds,
		isFenced: isFenced,
		read:     sets.New[string](),
		status:   v1alpha1.EngineStatus{Endpoint: endpoint.Host()},
	}
	s.Lost(v1alpha1.EngineConnectFailed, engine.Client.Check())
	return s
}

// SetCount sets the function that counts the engine's objects. Call it before the engine runs.
func (s *Source) SetCount(count func() v1alpha1.EngineCounts) { s.count = count }

// Recount updates the counts, once a kind has been read.
func (s *Source) Recount() { s.change(s.recount) }

func (s *Source) recount(status *v1alpha1.EngineStatus) {
	if len(s.read) > 0 && s.count != nil {
		counts := s.count()
		status.Counts = &counts
	}
}

// Met shows what the engine said about itself.
func (s *Source) Met(version connection.Version) {
	s.change(func(status *v1alpha1.EngineStatus) {
		setVersion(status, version)
		status.StorageDriver = version.StorageDriver
	})
}

// Connected shows that the engine answers and that no kind has been read yet. The storage driver stays as it was until
// the engine tells it again.
func (s *Source) Connected(version connection.Version) {
	s.change(func(status *v1alpha1.EngineStatus) {
		s.answered = true
		setVersion(status, version)
		setCondition(status, v1alpha1.EngineReady, true, v1alpha1.EngineConnected, fmt.Sprintf("the container engine at %s answers", s.endpoint))
		for _, k := range s.kinds {
			setCondition(status, k.Condition, false, v1alpha1.EngineSyncing, k.Resource+" are being read")
		}
		s.summarize(status)
	})
}

// Tried shows the result of reading a kind. If read is true, the kind had been read before, and the result is that of a
// comparison with Docker. tried reports whether the server has tried each kind since the engine connected.
func (s *Source) Tried(k Kind, read bool, err error) (all bool) {
	s.change(func(status *v1alpha1.EngineStatus) {
		switch {
		case err == nil:
			setCondition(status, k.Condition, true, v1alpha1.EngineSyncedReason, k.Resource+" have been read")
		case read:
			setCondition(status, k.Condition, false, v1alpha1.EngineComparisonFailed, fmt.Sprintf("%s are served, but could not be compared with the engine: %v", k.Resource, err))
		default:
			setCondition(status, k.Condition, false, v1alpha1.EngineUnavailable, err.Error())
		}
		if read {
			s.read.Insert(k.Resource)
			s.recount(status)
		}
		s.summarize(status)
		all = !slices.ContainsFunc(s.kinds, func(k Kind) bool {
			return meta.FindStatusCondition(status.Conditions, k.Condition).Reason == v1alpha1.EngineSyncing
		})
	})
	return all
}

// HasRead reports whether a kind has been read at least once since the server started.
func (s *Source) HasRead(resource string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.read.Has(resource)
}

// summarize sets the condition Synced from the conditions of the kinds.
func (s *Source) summarize(status *v1alpha1.EngineStatus) {
	reason, missing := v1alpha1.EngineSyncing, []string(nil)
	for _, k := range s.kinds {
		c := meta.FindStatusCondition(status.Conditions, k.Condition)
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

// CheckSynced returns why the condition Synced is not true, or nil if it is true.
func (s *Source) CheckSynced() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := meta.FindStatusCondition(s.status.Conditions, v1alpha1.EngineSynced); c.Status != metav1.ConditionTrue {
		return errors.New(c.Message)
	}
	return nil
}

// CheckRead returns why no kind has been read since the engine connected. It returns nil if a kind has been read, or if
// the server has tried each kind.
func (s *Source) CheckRead() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var reading []string
	for _, k := range s.kinds {
		switch c := meta.FindStatusCondition(s.status.Conditions, k.Condition); c.Reason {
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

// Lost shows that the engine does not answer, and why.
func (s *Source) Lost(reason string, err error) {
	s.change(func(status *v1alpha1.EngineStatus) {
		setCondition(status, v1alpha1.EngineReady, false, reason, err.Error())
		for _, k := range s.kinds {
			setCondition(status, k.Condition, false, v1alpha1.EngineUnavailable, err.Error())
		}
		setCondition(status, v1alpha1.EngineSynced, false, v1alpha1.EngineUnavailable, err.Error())
	})
}

// ReasonFor returns why the engine is not ready after err.
func (s *Source) ReasonFor(err error) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if unfit := (*connection.NotApplicableError)(nil); errors.As(err, &unfit) {
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
	case errors.Is(err, ErrStreamEnded), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, fs.ErrNotExist):
		return true
	case errors.As(err, &netErr):
		return !netErr.Timeout()
	}
	return strings.Contains(err.Error(), "Cannot connect to the Docker daemon")
}

func (s *Source) change(change func(*v1alpha1.EngineStatus)) {
	s.mu.Lock()
	change(&s.status)
	s.mu.Unlock()
	if s.Sink != nil {
		s.MarkDirty(v1alpha1.EngineName)
	}
}

func setVersion(status *v1alpha1.EngineStatus, version connection.Version) {
	status.Version = version.Engine
	status.APIVersion = version.API
	status.OS = version.OS
	status.Architecture = version.Architecture
}

func setCondition(status *v1alpha1.EngineStatus, kind string, is bool, reason, message string) {
	meta.SetStatusCondition(&status.Conditions, source.Condition(kind, is, reason, message, metav1.Now().Rfc3339Copy()))
}

// Subjects returns the only subject.
func (s *Source) Subjects(context.Context) ([]string, error) {
	return []string{v1alpha1.EngineName}, nil
}

// Observe returns the object with the current status.
func (s *Source) Observe(context.Context, string) (map[string]runtime.Object, []string, error) {
	_, err := s.Client.Current()
	unfenced := err == nil && !s.isFenced()
	s.mu.Lock()
	defer s.mu.Unlock()
	object := &v1alpha1.Engine{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: s.Namespace,
			Name:      v1alpha1.EngineName,
			UID:       source.UIDOf("Engine", v1alpha1.EngineName),
		},
		Status: *s.status.DeepCopy(),
	}
	if c := meta.FindStatusCondition(object.Status.Conditions, v1alpha1.EngineSynced); c.Status == metav1.ConditionTrue && unfenced {
		c.Message += "; the engine has no event log, so reads are as fresh as its event stream"
	}
	return map[string]runtime.Object{source.KeyOf(object): object}, nil, nil
}

// Lookup finds nothing, because the store already holds the only object.
func (s *Source) Lookup(context.Context, string) (string, error) { return "", nil }

// Fence returns at once, because the status here is always current.
func (s *Source) Fence(context.Context) error { return nil }
