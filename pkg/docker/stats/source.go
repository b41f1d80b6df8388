// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"context"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
)

// Ready returns when there are samples of every container that runs now, as far as the engine answers. The samples go on for a
// minute. If the engine answers for no container, Ready returns an API error that says why.
func (s *Sampler) Ready(ctx context.Context) error {
	if err := s.containers.Refresh(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	s.extendLocked()
	s.mu.Unlock()
	found := make(chan []*series, 1)
	select {
	case s.readers <- found:
	case <-s.stopped:
		return connection.Unavailable("the server is shutting down")
	case <-ctx.Done():
		return timedOut()
	}
	all := <-found
	patience := s.clock.NewTimer(readyTimeout)
	defer patience.Stop()
	for _, one := range all {
		select {
		case <-one.ready:
			continue
		case <-patience.C():
			s.settleFor(all)
		case <-s.stopped:
			return connection.Unavailable("the server is shutting down")
		case <-ctx.Done():
			return timedOut()
		}
		break
	}
	return s.problemOf(all)
}

// settleFor has the containers shown of which there is one sample. They are shown without a rate.
func (s *Sampler) settleFor(all []*series) {
	var sampled []*series
	s.mu.Lock()
	for _, one := range all {
		if one.latest != nil {
			sampled = append(sampled, one)
		}
	}
	s.mu.Unlock()
	for _, one := range sampled {
		s.makeReady(one)
	}
}

func timedOut() error {
	return apierrors.NewTimeoutError("the container engine did not tell in time what the containers use", 1)
}

// problemOf returns why there is no sample of any of the series. It returns nil if there is one, or if none is to be expected.
func (s *Sampler) problemOf(all []*series) (problem error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range all {
		if one.latest != nil {
			return nil
		}
		if err := one.problem(); err != nil {
			problem = unreadable(one, err)
		}
	}
	return problem
}

// unreadable returns the API error for a container of which there is no sample because of err.
func unreadable(one *series, err error) error {
	if status := apierrors.APIStatus(nil); errors.As(err, &status) {
		return err
	}
	return connection.Unavailable(fmt.Sprintf("the container engine does not tell what the container %q uses: %s", one.container.Name, connection.Words(err)))
}

// Measured returns the containers of which there are samples, and their newest sample.
func (s *Sampler) Measured() (all []Measured) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.series {
		if one.isShown() {
			all = append(all, Measured{one.container, one.latest})
		}
	}
	return all
}

// Subjects implements livestore.Source.
func (s *Sampler) Subjects(context.Context) (subjects []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for subject, one := range s.series {
		if one.isShown() {
			subjects = append(subjects, subject)
		}
	}
	return subjects, nil
}

// Observe implements livestore.Source.
func (s *Sampler) Observe(_ context.Context, subject string) (map[string]runtime.Object, []string, error) {
	s.mu.Lock()
	one := s.series[subject]
	if one == nil || !one.isShown() {
		s.mu.Unlock()
		return nil, nil, nil
	}
	container, older, latest := one.container, one.older, one.latest
	s.mu.Unlock()
	return map[string]runtime.Object{container.key(): metricsOf(container, older, latest)}, nil, nil
}

// Lookup implements livestore.Source. It returns an error for a container that runs and of which there is no sample.
func (s *Sampler) Lookup(_ context.Context, key string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for subject, one := range s.series {
		namespace, name, _ := strings.Cut(key, "/")
		if namespace != one.container.Namespace || name != one.container.Name && name != subject && name != containers.ShortID(subject) {
			continue
		}
		if one.isShown() {
			return subject, nil
		}
		if err := one.problem(); err != nil {
			return "", unreadable(one, err)
		}
	}
	return "", nil
}

// Fence implements livestore.Source. Every change is reported when it happens, and Ready waits for those that a reader must
// see.
func (s *Sampler) Fence(context.Context) error { return nil }
