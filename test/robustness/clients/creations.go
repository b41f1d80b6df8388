// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package clients

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/docker/docker/client"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cerrdefs "github.com/containerd/errdefs"

	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
	"github.com/rancher-sandbox/engine-apiserver/test/specs"
)

// Workshop is where objects are created. No writer of the traffic touches them.
type Workshop struct {
	Docker *client.Client
	// World is what the specs of containers refer to.
	World specs.World
	// Prefix is the beginning of the names of the objects.
	Prefix string

	serial atomic.Int64
}

// creation is an object that is to be created, with the calls for its kind.
type creation struct {
	kind, name string
	create     func(context.Context) (metav1.Object, error)
	get        func(context.Context) (metav1.Object, error)
	// differences returns what is shown in another way than it was asked for.
	differences func(shown metav1.Object) []string
	// inspect returns what is in another way in Docker than it was asked for. Its error is Docker's.
	inspect func(context.Context) ([]string, error)
	// remove removes the object from Docker.
	remove func(context.Context) error
}

// Create creates one object after another until ctx ends, and looks whether each is as it was asked for. It waits for the end of
// the last one, and removes all of them.
func (c *Client) Create(ctx context.Context, w *Workshop) {
	for ctx.Err() == nil {
		name := fmt.Sprintf("%s-%d", w.Prefix, w.serial.Add(1))
		var made creation
		switch c.Random.IntN(5) {
		case 0:
			made = c.newVolume(w, name)
		case 1:
			made = c.newNetwork(w, name)
		default:
			made = c.newContainer(w, name)
		}
		if !c.createOne(ctx, made) {
			sleep(ctx, pause)
		}
	}
}

// createOne creates an object. It returns false if the server cannot create any at the time.
func (c *Client) createOne(ctx context.Context, made creation) bool {
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), endsWithin)
	defer cancel()
	defer removeFully(within, made)
	h := &history.Creation{Client: c.Name, Kind: made.kind, Name: made.name, Began: c.Recorder.Now()}
	created, err := made.create(within)
	switch {
	case err == nil:
		h.Created = true
	case strings.Contains(err.Error(), "no space left on device"):
		return false
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsForbidden(err):
		h.Refused = err.Error()
	default:
		return false // the engine or the server is away: nothing is promised
	}
	if h.Created {
		h.Wrong = prefixed("the answer", made.differences(created))
		if wrong, isThere := untilAnswered(within, made.inspect, cerrdefs.IsNotFound); isThere {
			h.Wrong = append(h.Wrong, prefixed("Docker", wrong)...)
		} else {
			h.Missing = true
		}
		shown, isThere := untilAnswered(within, made.get, apierrors.IsNotFound)
		switch {
		case !isThere || shown != nil && shown.GetUID() != created.GetUID():
			h.Missing = true
		case shown != nil:
			h.Wrong = append(h.Wrong, prefixed("a later read", made.differences(shown))...)
		}
	}
	h.Ended = c.Recorder.Now()
	c.Recorder.Creation(h)
	return true
}

// untilAnswered repeats a call until it is answered. isThere is false if the answer is that nothing is there. If there is no answer
// before ctx ends, the result is empty.
func untilAnswered[T any](ctx context.Context, call func(context.Context) (T, error), isNotFound func(error) bool) (found T, isThere bool) {
	for ; ctx.Err() == nil; sleep(ctx, pause) {
		found, err := call(ctx)
		if err == nil || isNotFound(err) {
			return found, err == nil
		}
	}
	return found, true
}

func prefixed(where string, differences []string) (all []string) {
	for _, difference := range differences {
		all = append(all, where+": "+difference)
	}
	return all
}

// removeFully removes an object that may be there.
func removeFully(ctx context.Context, made creation) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endsWithin)
	defer cancel()
	for ; ctx.Err() == nil; sleep(ctx, pause) {
		if err := made.remove(ctx); err == nil || cerrdefs.IsNotFound(err) {
			return
		}
	}
}
