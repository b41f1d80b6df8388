// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"context"
	"fmt"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

// networks is the number of names of networks. It is small, because Docker has subnets for about thirty networks.
const networks = 4

var networkOperations = []operation{
	{5, (*writer).createNetwork},
	{3, (*writer).joinNetwork},
	{3, removeNetwork("docker network rm", func(w *writer, ctx context.Context, id, _ string) error {
		return w.Docker.NetworkRemove(ctx, id)
	})},
	{3, removeNetwork("api delete network", func(w *writer, ctx context.Context, _, name string) error {
		return w.API.Networks(w.Namespace).Delete(ctx, name, metav1.DeleteOptions{})
	})},
	{1, (*writer).pruneNetworks},
}

func (w *writer) createNetwork(ctx context.Context) (string, error) {
	s := w.take(w.Networks, isFree)
	if s == nil {
		return "", nil
	}
	defer s.Unlock()
	began := w.Recorder.Now()
	created, err := w.Docker.NetworkCreate(ctx, s.Name, network.CreateOptions{Labels: w.label()})
	switch outcome := outcomeOf(err); {
	case outcome == history.Done:
		w.record(began, err, owner(s.Name, created.ID))
		s.set(created.ID)
	case outcome == history.Unknown:
		w.taint(s.Name) // the network may exist, and nobody knows its ID
	case w.isTainted(s.Name):
		_ = w.Docker.NetworkRemove(ctx, s.Name) // so that the next network can have the name
	}
	return "docker network create " + s.Name, err
}

// guest returns the name of the container that joins a network.
func guest(s *Slot) string { return s.Name + "-guest" }

// joinNetwork runs a container on a network. The container stays until the network is removed.
func (w *writer) joinNetwork(ctx context.Context) (string, error) {
	s := w.take(w.Networks, isTaken)
	if s == nil {
		return "", nil
	}
	defer s.Unlock()
	config, host := engine.Config(), &container.HostConfig{}
	engine.OnNetwork(s.ID())(config, host)
	created, err := w.Docker.ContainerCreate(ctx, config, host, nil, nil, guest(s))
	if err == nil {
		err = w.Docker.ContainerStart(ctx, created.ID, container.StartOptions{})
	}
	return "docker run on network " + s.Name, err
}

func removeNetwork(how string, call func(w *writer, ctx context.Context, id, name string) error) func(*writer, context.Context) (string, error) {
	return func(w *writer, ctx context.Context) (string, error) {
		s := w.take(w.Networks, isTaken)
		if s == nil {
			return "", nil
		}
		defer s.Unlock()
		if w.random.IntN(3) > 0 { // otherwise Docker refuses if there is a guest
			_ = w.Docker.ContainerRemove(ctx, guest(s), container.RemoveOptions{Force: true})
		}
		began := w.Recorder.Now()
		err := call(w, ctx, s.ID(), s.Name)
		w.missed(began, s.Name, err)
		w.recordIfGone(began, err, owner(s.Name, history.Absent))
		if outcomeOf(err) != refused || isGone(err) {
			s.set("")
		}
		return fmt.Sprintf("%s %s", how, s.Name), err
	}
}

// pruneNetworks makes networks with a label of their own, and prunes them by this label.
func (w *writer) pruneNetworks(ctx context.Context) (string, error) {
	batch := fmt.Sprintf("%s-prune-%d", w.Prefix, w.serial.Add(1))
	for i := range 2 {
		_, err := w.Docker.NetworkCreate(ctx, fmt.Sprintf("%s-%d", batch, i), network.CreateOptions{Labels: map[string]string{"batch": batch}})
		if err != nil {
			return "docker network create " + batch, err
		}
	}
	_, err := w.Docker.NetworksPrune(ctx, filters.NewArgs(filters.Arg("label", "batch="+batch)))
	return "docker network prune " + batch, err
}
