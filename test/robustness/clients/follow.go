// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package clients

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

// seenVersions is the number of recent versions from which a watch may resume.
const seenVersions = 200

// Following is a way of watching.
type Following struct {
	Resource                     string
	LabelSelector, FieldSelector string
	// Initial makes each watch ask for the initial events. Without it a watch resumes from a version.
	Initial bool
	// Anywhere makes each watch short, and resumes from a random recent version, not from the last one.
	Anywhere bool
}

// point is a version and the run of the server that it comes from.
type point struct {
	version uint64
	run     int
}

// Follow watches until ctx ends. When a watch ends it starts the next one.
func (c *Client) Follow(ctx context.Context, f Following) {
	var from point
	var seen []point
	for ctx.Err() == nil {
		if !f.Initial && from.version == 0 {
			l := c.page(ctx, f.Resource, 0)
			if l == nil {
				sleep(ctx, pause)
				continue
			}
			from = point{l.Version, l.Run}
		}
		w := c.watchOnce(ctx, f, from)
		if w == nil {
			sleep(ctx, pause)
			continue
		}
		c.Recorder.Watch(w)
		ended := len(w.Events) > 0 && w.Events[len(w.Events)-1].Type == watch.Error
		if ended {
			from, seen = point{}, nil
			continue
		}
		for _, event := range w.Events {
			seen = append(seen, point{event.Object.Version, w.Run})
		}
		if f.Initial {
			continue
		}
		seen = seen[max(0, len(seen)-seenVersions):]
		from.version = max(from.version, w.End())
		if f.Anywhere && len(seen) > 0 {
			from = seen[c.Random.IntN(len(seen))]
		}
	}
}

// watchOnce runs one watch. It returns nil if the watch cannot be checked, for example because the server was restarted when it
// began.
func (c *Client) watchOnce(ctx context.Context, f Following, from point) *history.Watch {
	run := c.Run()
	w := &history.Watch{Client: c.Name, Resource: f.Resource, Run: run, LabelSelector: f.LabelSelector, FieldSelector: f.FieldSelector,
		From: from.version, FromRun: from.run, Initial: f.Initial, Bookmarks: f.Initial || c.Random.IntN(4) > 0}
	options := metav1.ListOptions{LabelSelector: f.LabelSelector, FieldSelector: f.FieldSelector, AllowWatchBookmarks: w.Bookmarks,
		TimeoutSeconds: new(3 + c.Random.Int64N(8))}
	if f.Initial {
		w.FromRun = run
		options.SendInitialEvents, options.ResourceVersionMatch = new(true), metav1.ResourceVersionMatchNotOlderThan
	} else {
		options.ResourceVersion = strconv.FormatUint(from.version, 10)
	}
	answer, err := c.watch(ctx, f.Resource, options)
	if err != nil {
		if status := apierrors.APIStatus(nil); apierrors.IsResourceExpired(err) && errors.As(err, &status) && c.Run() == run {
			w.Events = []history.Event{errorOf(status.Status())}
			return w
		}
		return nil
	}
	defer answer.Stop()
	if c.Run() != run {
		return nil
	}
	stay := time.Duration(1<<62 - 1)
	if f.Anywhere && from.run == run {
		stay = time.Duration(c.Random.IntN(2000)) * time.Millisecond
	}
	leave := time.NewTimer(stay)
	defer leave.Stop()
	for {
		select {
		case event, open := <-answer.ResultChan():
			if !open {
				w.Cut = c.Run() != run || ctx.Err() != nil
				return w
			}
			kept, ok := eventOf(event)
			if !ok {
				w.Cut = true
				return w
			}
			w.Events = append(w.Events, kept)
		case <-leave.C:
			w.Cut = true
			return w
		case <-ctx.Done():
			w.Cut = true
			return w
		}
	}
}

// eventOf returns the part of an event that a history keeps. It returns false for an error that the client library made itself.
func eventOf(event watch.Event) (history.Event, bool) {
	if status, ok := event.Object.(*metav1.Status); ok {
		return errorOf(*status), !strings.Contains(status.Message, "unable to decode an event")
	}
	if event.Type == watch.Bookmark {
		m := event.Object.(metav1.Object)
		version, err := history.ParseVersion(m.GetResourceVersion())
		return history.Event{Type: watch.Bookmark, Object: history.Object{Version: version},
			InitialEventsEnd: m.GetAnnotations()[metav1.InitialEventsAnnotationKey] == "true"}, err == nil
	}
	object, err := history.ObjectOf(event.Object)
	return history.Event{Type: event.Type, Object: object}, err == nil
}

func errorOf(status metav1.Status) history.Event {
	return history.Event{Type: watch.Error, Code: status.Code, Message: status.Message}
}
