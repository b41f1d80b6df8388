// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

func containerWriter(w *writer, e *engine.Engine) *writer {
	docker := e.Client()
	model, ids := objects{}, map[string]string{}
	in := func(states ...string) objects {
		found := objects{}
		for name, state := range model {
			if slices.Contains(states, state) {
				found[name] = state
			}
		}
		return found
	}
	set := func(name, state string, err error) ([]string, error) {
		model[name] = state
		return []string{name}, err
	}
	operations := []struct {
		weight int
		run    func(ctx context.Context) (string, []string, error)
	}{
		{30, func(ctx context.Context) (string, []string, error) {
			if len(model) > 20 {
				return "", nil, nil
			}
			name := w.name()
			created, err := docker.ContainerCreate(ctx, engine.Config(), nil, nil, nil, name)
			ids[name] = created.ID
			touched, err := set(name, "created", err)
			return "create " + name, touched, err
		}},
		{12, func(ctx context.Context) (string, []string, error) {
			name := w.pick(in("created", "exited"))
			if name == "" || len(in("running", "paused")) > 6 {
				return "", nil, nil
			}
			touched, err := set(name, "running", docker.ContainerStart(ctx, ids[name], container.StartOptions{}))
			return "start " + name, touched, err
		}},
		{8, func(ctx context.Context) (string, []string, error) {
			name := w.pick(in("running"))
			if name == "" {
				return "", nil, nil
			}
			touched, err := set(name, "exited", docker.ContainerStop(ctx, ids[name], container.StopOptions{}))
			return "stop " + name, touched, err
		}},
		{8, func(ctx context.Context) (string, []string, error) {
			name := w.pick(in("running"))
			if name == "" {
				return "", nil, nil
			}
			touched, err := set(name, "paused", docker.ContainerPause(ctx, ids[name]))
			return "pause " + name, touched, err
		}},
		{8, func(ctx context.Context) (string, []string, error) {
			name := w.pick(in("paused"))
			if name == "" {
				return "", nil, nil
			}
			touched, err := set(name, "running", docker.ContainerUnpause(ctx, ids[name]))
			return "unpause " + name, touched, err
		}},
		{25, func(ctx context.Context) (string, []string, error) {
			from, to := w.pick(model), w.name()
			if from == "" {
				return "", nil, nil
			}
			err := docker.ContainerRename(ctx, ids[from], to)
			model[to], ids[to] = model[from], ids[from]
			delete(model, from)
			delete(ids, from)
			return "rename " + from + " " + to, []string{from, to}, err
		}},
		{25, func(ctx context.Context) (string, []string, error) {
			name := w.pick(model)
			if name == "" {
				return "", nil, nil
			}
			err := docker.ContainerRemove(ctx, ids[name], container.RemoveOptions{Force: true})
			delete(model, name)
			delete(ids, name)
			return "rm " + name, []string{name}, err
		}},
	}
	total := 0
	for _, operation := range operations {
		total += operation.weight
	}
	w.change = func(ctx context.Context) (string, []string, error) {
		at := w.random.IntN(total)
		for _, operation := range operations {
			if at -= operation.weight; at < 0 {
				return operation.run(ctx)
			}
		}
		panic("unreachable")
	}
	w.want = func(context.Context) (objects, error) { return model, nil }
	containers := w.client.Containers(testserver.Namespace)
	w.list = func(ctx context.Context) (objects, error) {
		list, err := containers.List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, err
		}
		found := objects{}
		for _, item := range list.Items {
			if strings.HasPrefix(item.Name, w.prefix) {
				found[item.Name] = string(item.Status.Status)
			}
		}
		return found, nil
	}
	w.get = func(ctx context.Context, name string) (string, error) {
		object, err := containers.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return "", ignoreNotFound(err)
		}
		return string(object.Status.Status), nil
	}
	return w
}

func imageWriter(w *writer, e *engine.Engine) *writer {
	docker := e.Client()
	// These images stay during the test, and the test moves tags between them. A container uses the first of them.
	var sources []string
	for i := range 4 {
		source := fmt.Sprintf("source-%d:latest", i)
		e.Image(w.t, source)
		sources = append(sources, source)
	}
	e.Create(w.t, "uses-source-0", engine.FromImage(sources[0]))
	mine := func(ctx context.Context) (objects, error) {
		list, err := docker.ImageList(ctx, image.ListOptions{})
		if err != nil {
			return nil, err
		}
		found := objects{}
		for _, item := range list {
			tags := slices.DeleteFunc(item.RepoTags, func(tag string) bool { return tag == "<none>:<none>" })
			for _, tag := range tags {
				found[tag] = item.ID
			}
			if len(tags) == 0 {
				found[item.ID] = item.ID
			}
		}
		return found, nil
	}
	tags := func(ctx context.Context) objects {
		found, err := mine(ctx)
		if err != nil {
			w.t.Error(err)
		}
		maps.DeleteFunc(found, func(name, _ string) bool { return !strings.HasPrefix(name, w.prefix) })
		return found
	}
	unreported := objects{}
	for what := range engine.UnreportedImages {
		unreported[what] = what
	}
	w.change = func(ctx context.Context) (string, []string, error) {
		source := sources[w.random.IntN(len(sources))]
		// The operations remove about as many tags as they add. Otherwise the test would spend most of its time on long lists.
		switch at := w.random.IntN(40); {
		case at == 0: // engines with the classic image store raise no event for these images
			what := w.pick(unreported)
			return what, nil, engine.UnreportedImages[what](ctx, docker, w.name())
		case at == 1:
			_, err := docker.ImagesPrune(ctx, filters.NewArgs())
			return "image prune", nil, err
		case at < 12:
			tag := w.name() + ":1"
			return "tag " + tag, []string{tag}, docker.ImageTag(ctx, source, tag)
		case at < 20:
			tag := w.pick(tags(ctx))
			if tag == "" {
				return "", nil, nil
			}
			return "retag " + tag + " to " + source, []string{tag}, docker.ImageTag(ctx, source, tag)
		case at < 36:
			tag := w.pick(tags(ctx))
			if tag == "" {
				return "", nil, nil
			}
			_, err := docker.ImageRemove(ctx, tag, image.RemoveOptions{})
			if err != nil && strings.Contains(err.Error(), "conflict") {
				_, err = docker.ImageRemove(ctx, tag, image.RemoveOptions{Force: true})
			}
			return "untag " + tag, []string{tag}, err
		default:
			// Make an image and move its only tag away, so that the image is dangling. In half of the cases, then remove it by
			// its ID.
			tag := w.name() + ":only"
			id := e.Image(w.t, tag)
			if err := docker.ImageTag(ctx, source, tag); err != nil {
				return "leave dangling " + id, nil, err
			}
			if w.random.IntN(2) == 0 {
				return "leave dangling " + id, []string{id, tag}, nil
			}
			_, err := docker.ImageRemove(ctx, id, image.RemoveOptions{})
			return "remove dangling " + id, []string{id, tag}, err
		}
	}
	w.want = mine
	images := w.client.Images(testserver.Namespace)
	w.list = func(ctx context.Context) (objects, error) {
		list, err := images.List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, err
		}
		found := objects{}
		for _, item := range list.Items {
			found[strings.ReplaceAll(item.Name, "~", "/")] = item.Status.ID
		}
		return found, nil
	}
	w.get = func(ctx context.Context, name string) (string, error) {
		object, err := images.Get(ctx, strings.ReplaceAll(name, "/", "~"), metav1.GetOptions{})
		if err != nil {
			return "", ignoreNotFound(err)
		}
		return object.Status.ID, nil
	}
	return w
}

func volumeWriter(w *writer, e *engine.Engine) *writer {
	docker := e.Client()
	model := objects{}
	w.change = func(ctx context.Context) (string, []string, error) {
		if name := w.pick(model); name != "" && w.random.IntN(2) == 0 {
			delete(model, name)
			return "volume rm " + name, []string{name}, docker.VolumeRemove(ctx, name, false)
		}
		name := w.name()
		model[name] = "local"
		_, err := docker.VolumeCreate(ctx, volume.CreateOptions{Name: name})
		return "volume create " + name, []string{name}, err
	}
	w.want = func(context.Context) (objects, error) { return model, nil }
	volumes := w.client.Volumes(testserver.Namespace)
	w.list = func(ctx context.Context) (objects, error) {
		list, err := volumes.List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, err
		}
		found := objects{}
		for _, item := range list.Items {
			found[item.Name] = item.Status.Driver
		}
		return found, nil
	}
	w.get = func(ctx context.Context, name string) (string, error) {
		object, err := volumes.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return "", ignoreNotFound(err)
		}
		return object.Status.Driver, nil
	}
	return w
}

// networkWriter knows which of the containers that it runs are on each network.
func networkWriter(w *writer, e *engine.Engine) *writer {
	docker := e.Client()
	home := engine.UniqueName("home")
	e.Network(w.t, home, nil)
	names := map[string]string{} // of the containers, by ID
	for range 2 {
		name := w.name()
		names[e.Run(w.t, name, engine.OnNetwork(home))] = name
	}
	model, connected := objects{}, map[string]map[string]bool{} // connected has the IDs of the containers on each network
	model[home], connected[home] = "", map[string]bool{}
	for id := range names {
		connected[home][id] = true
	}
	refresh := func() {
		for network, ids := range connected {
			var on []string
			for id := range ids {
				on = append(on, names[id])
			}
			slices.Sort(on)
			model[network] = strings.Join(on, " ")
		}
	}
	w.change = func(ctx context.Context) (string, []string, error) {
		defer refresh()
		id, name := w.pick(names), w.pick(model)
		switch at := w.random.IntN(20); {
		case at < 6 && len(model) < 6:
			name = w.name()
			model[name], connected[name] = "", map[string]bool{}
			_, err := docker.NetworkCreate(ctx, name, network.CreateOptions{})
			return "network create " + name, []string{name}, err
		case at < 12 && len(connected[name]) == 0:
			delete(model, name)
			delete(connected, name)
			return "network rm " + name, []string{name}, docker.NetworkRemove(ctx, name)
		case at < 15 && name != home && !connected[name][id]:
			connected[name][id] = true
			return "network connect " + name + " " + id, []string{name}, docker.NetworkConnect(ctx, name, id, nil)
		case at < 18 && name != home && connected[name][id]:
			delete(connected[name], id)
			return "network disconnect " + name + " " + id, []string{name}, docker.NetworkDisconnect(ctx, name, id, false)
		case at == 18: // Docker raises no event for the networks that the container is on
			names[id] = w.name()
			return "rename " + id + " " + names[id], []string{home}, docker.ContainerRename(ctx, id, names[id])
		}
		return "", nil, nil
	}
	w.want = func(context.Context) (objects, error) {
		refresh()
		return model, nil
	}
	shown := func(n *v1alpha1.Network) string {
		var on []string
		for _, c := range n.Status.Containers {
			on = append(on, c.Name)
		}
		return strings.Join(on, " ")
	}
	networks := w.client.Networks(testserver.Namespace)
	w.list = func(ctx context.Context) (objects, error) {
		list, err := networks.List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, err
		}
		found := objects{}
		for _, item := range list.Items {
			if item.Status.Driver == "bridge" {
				found[item.Name] = shown(&item)
			}
		}
		return found, nil
	}
	w.get = func(ctx context.Context, name string) (string, error) {
		object, err := networks.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return "", ignoreNotFound(err)
		}
		return shown(object), nil
	}
	return w
}

// ignoreNotFound returns nil for a NotFound error, because objects has no entry for an object that does not exist.
func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
