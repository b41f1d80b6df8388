// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package networks is the source of an engine's networks.
package networks

import (
	"context"
	"strings"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/client"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/keylocks"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

var networkResource = v1alpha1.Resource("networks")

// Source is the source of the engine's networks. A subject is the ID of a network.
type Source struct {
	source.Base
	known   namesakes
	applied source.Applied
	// creating has a lock for each name under which a network is being created.
	creating keylocks.Locks
}

// New returns the source of an engine's networks.
func New(engine source.Engine) *Source {
	return &Source{Base: source.NewBase(engine, networkResource)}
}

// Hear marks the networks that an event is about.
func (s *Source) Hear(event source.Event) {
	id := event.Actor.ID
	switch {
	case event.Type == events.ContainerEventType && event.Action == events.ActionRename:
		// Networks show the names of their containers, and Docker raises no event for a network then.
		s.markDirty(s.known.all())
	case event.Type != events.NetworkEventType:
	case !names.IsNetworkID(id): // a prune names none
		s.MarkAllDirty()
	case event.Action == events.ActionDestroy:
		s.markDirty(append(s.known.remove(id), id))
	default:
		s.known.heard(id)
		s.MarkDirty(id)
	}
}

func (s *Source) markDirty(ids []string) {
	for _, id := range ids {
		s.MarkDirty(id)
	}
}

// Subjects lists the IDs of all networks.
func (s *Source) Subjects(ctx context.Context) ([]string, error) {
	listed, err := s.list(ctx)
	if err != nil {
		return nil, s.Client.ListError(networkResource, err)
	}
	ids := make([]string, 0, len(listed))
	for id := range listed {
		ids = append(ids, id)
	}
	return ids, nil
}

// list returns the names of the objects of all networks, by ID. It marks the networks that get another name because of
// what the list says. Docker's list does not say which containers are connected.
func (s *Source) list(ctx context.Context) (map[string]string, error) {
	since := s.known.now()
	var found []network.Summary
	err := s.Client.Read(ctx, connection.ListTimeout, func(ctx context.Context, c *connection.Connection) (err error) {
		found, err = c.Docker.NetworkList(ctx, network.ListOptions{})
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, n := range found {
		s.markDirty(s.known.learn(n.ID, n.Name, n.Created, since))
	}
	listed := make(map[string]string, len(found))
	for _, n := range found {
		if name, ok := s.known.objectName(n.ID); ok {
			listed[n.ID] = name
		}
	}
	return listed, nil
}

// Observe looks at one network. Related are the networks that get another name because of what Docker says of this one.
func (s *Source) Observe(ctx context.Context, id string) (map[string]runtime.Object, []string, error) {
	since := s.known.now()
	found, err := s.inspect(ctx, id)
	if err != nil {
		return nil, nil, connection.APIError("inspect", networkResource, id, err)
	}
	if found == nil {
		s.applied.Forget(id)
		return nil, s.known.remove(id), nil
	}
	related := s.known.learn(id, found.Name, found.Created, since)
	name, ok := s.known.objectName(id)
	if !ok { // it was removed meanwhile
		return nil, related, nil
	}
	object := networkOf(found, name, s.Namespace)
	s.applied.Show(id, found.Name, object)
	return map[string]runtime.Object{source.KeyOf(object): object}, related, nil
}

// Lookup finds the network by the name of its object, its full ID or its 12-digit ID. Docker finds it by its own name,
// and by none if two networks have the same.
func (s *Source) Lookup(ctx context.Context, key string) (string, error) {
	namespace, name, _ := strings.Cut(key, "/")
	if namespace != s.Namespace {
		return "", nil
	}
	listed, err := s.list(ctx)
	if err != nil {
		return "", connection.APIError("list", networkResource, name, err)
	}
	var withID []string
	for id, objectName := range listed {
		switch name {
		case objectName:
			return id, nil
		case id, containers.ShortID(id):
			withID = append(withID, id)
		}
	}
	if len(withID) != 1 {
		return "", nil
	}
	return withID[0], nil
}

// inspect asks Docker about a network. It returns nil if there is none with that ID.
func (s *Source) inspect(ctx context.Context, id string) (*network.Inspect, error) {
	if !names.IsNetworkID(id) {
		return nil, nil
	}
	found, err := connection.Inspect(ctx, s.Client, "/networks/"+id, connection.ReadWhole[network.Inspect], func(ctx context.Context, c *client.Client) (*network.Inspect, error) {
		found, err := c.NetworkInspect(ctx, id, network.InspectOptions{})
		return &found, err
	})
	if err != nil || found == nil || found.ID != id {
		return nil, err
	}
	return found, nil
}
