// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package clients

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/checkers"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/traffic"
)

// definite are the statuses in which an operation leaves a container. A container only passes through the others.
var definite = map[string]bool{"created": true, "running": true, "paused": true, "exited": true}

// Read gets and lists the objects that the traffic changes, until ctx ends. All reads are live: they set no resourceVersion.
func (c *Client) Read(ctx context.Context, t *traffic.Traffic) {
	reads := []func(context.Context, *traffic.Traffic) error{
		func(ctx context.Context, t *traffic.Traffic) error {
			return c.getNamed(ctx, "containers", c.pick(t.Containers).Name)
		},
		func(ctx context.Context, t *traffic.Traffic) error {
			return c.getNamed(ctx, "images", c.pick(t.Tags).Name)
		},
		func(ctx context.Context, t *traffic.Traffic) error {
			return c.getNamed(ctx, "volumes", c.pick(t.Volumes).Name)
		},
		func(ctx context.Context, t *traffic.Traffic) error {
			return c.getNamed(ctx, "networks", c.pick(t.Networks).Name)
		},
		c.getByID,
		func(ctx context.Context, t *traffic.Traffic) error {
			return c.listNamed(ctx, "containers", t.Containers)
		},
		func(ctx context.Context, t *traffic.Traffic) error { return c.listNamed(ctx, "images", t.Tags) },
		func(ctx context.Context, t *traffic.Traffic) error { return c.listNamed(ctx, "volumes", t.Volumes) },
		func(ctx context.Context, t *traffic.Traffic) error { return c.listNamed(ctx, "networks", t.Networks) },
		func(ctx context.Context, t *traffic.Traffic) error {
			if unreported := t.Unreported(); len(unreported) > 0 {
				return c.listNamed(ctx, "images", unreported)
			}
			return nil
		},
	}
	for ctx.Err() == nil {
		if err := reads[c.Random.IntN(len(reads))](ctx, t); err != nil {
			sleep(ctx, pause)
		}
		sleep(ctx, time.Duration(c.Random.IntN(20))*time.Millisecond)
	}
}

func (c *Client) pick(from []*traffic.Slot) *traffic.Slot { return from[c.Random.IntN(len(from))] }

// read returns the operation of a read that was called at call and has just returned.
func (c *Client) read(call time.Duration, kind, register, value string) history.Operation {
	return history.Operation{Client: c.Name, Kind: kind, Register: register, Action: history.Read, Value: value, Call: call, Return: c.Recorder.Now(), Outcome: history.Done}
}

func (c *Client) getNamed(ctx context.Context, resource, name string) error {
	call := c.Recorder.Now()
	object, err := c.get(ctx, resource, traffic.ImageName(name))
	if apierrors.IsNotFound(err) {
		c.Recorder.Operations(c.read(call, checkers.Owner, name, history.Absent))
		return nil
	}
	if err == nil {
		c.Recorder.Operations(c.reads(call, name, object)...)
	}
	return err
}

// reads returns the reads that an existing object stands for.
func (c *Client) reads(call time.Duration, name string, object runtime.Object) []history.Operation {
	switch o := object.(type) {
	case *v1alpha1.Container:
		seen := []history.Operation{c.read(call, checkers.Owner, name, o.Status.ID)}
		if status := string(o.Status.Status); definite[status] {
			seen = append(seen, c.read(call, checkers.ContainerStatus, o.Status.ID, status))
		}
		return seen
	case *v1alpha1.Network:
		return []history.Operation{c.read(call, checkers.Owner, name, o.Status.ID)}
	case *v1alpha1.Image:
		return []history.Operation{c.read(call, checkers.Owner, name, o.Status.ID)}
	default:
		return []history.Operation{c.read(call, checkers.Owner, name, traffic.There)}
	}
}

// getByID gets a container by an ID that it has or had.
func (c *Client) getByID(ctx context.Context, t *traffic.Traffic) error {
	id := c.pick(t.Containers).ID()
	if id == "" {
		return nil
	}
	call := c.Recorder.Now()
	object, err := c.get(ctx, "containers", id)
	if apierrors.IsNotFound(err) {
		c.Recorder.Operations(c.read(call, checkers.ContainerStatus, id, history.Absent))
		return nil
	}
	if err != nil {
		return err
	}
	if status := string(object.(*v1alpha1.Container).Status.Status); definite[status] {
		c.Recorder.Operations(c.read(call, checkers.ContainerStatus, id, status))
	}
	return nil
}

// listNamed lists a resource and records what the list says about four random names.
func (c *Client) listNamed(ctx context.Context, resource string, from []*traffic.Slot) error {
	call := c.Recorder.Now()
	answer, err := c.list(ctx, resource, metav1.ListOptions{})
	if err != nil {
		return err
	}
	objects := map[string]runtime.Object{}
	err = meta.EachListItem(answer, func(object runtime.Object) error {
		objects[object.(metav1.Object).GetName()] = object
		return nil
	})
	if err != nil {
		return err
	}
	for range 4 {
		name := c.pick(from).Name
		if object, there := objects[traffic.ImageName(name)]; there {
			c.Recorder.Operations(c.reads(call, name, object)...)
		} else {
			c.Recorder.Operations(c.read(call, checkers.Owner, name, history.Absent))
		}
	}
	return nil
}
