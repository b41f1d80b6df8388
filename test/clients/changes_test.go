// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package clients_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

const maxContainers, maxNetworks = 8, 4

// changes makes random changes through Docker's API. It makes only changes that Docker accepts.
type changes struct {
	random     *rand.Rand
	docker     *client.Client
	made       int
	images     []string
	containers map[string]string // ID to state: created, running, paused, exited
	tags       []string
	volumes    []string
	networks   []string
}

func newChanges(t *testing.T, seed uint64) *changes {
	return &changes{
		random:     rand.New(rand.NewPCG(seed, 0)),
		docker:     eng.Client(),
		images:     []string{eng.Image(t, engine.UniqueName("image")+":base"), eng.Image(t, engine.UniqueName("image")+":base")},
		containers: map[string]string{},
	}
}

// make makes count changes.
func (c *changes) make(t *testing.T, count int) {
	t.Helper()
	kinds := []func(*testing.T) bool{
		c.create, c.start, c.stop, c.pause, c.unpause, c.rename, c.remove,
		c.tag, c.retag, c.untag, c.createVolume, c.removeVolume, c.createNetwork, c.removeNetwork,
	}
	for done := c.made + count; c.made < done; {
		if kinds[c.random.IntN(len(kinds))](t) {
			c.made++
		}
	}
}

func pick(random *rand.Rand, from []string) string { return from[random.IntN(len(from))] }

func (c *changes) create(t *testing.T) bool {
	if len(c.containers) == maxContainers {
		return false
	}
	c.containers[eng.Create(t, engine.UniqueName("Box_"))] = "created"
	return true
}

// container calls do for a random container that is in one of the states, and records its new state. If to is empty, the state
// stays. container returns false if there is no such container.
func (c *changes) container(t *testing.T, do func(id string) error, to string, states ...string) bool {
	t.Helper()
	var candidates []string
	for _, id := range slices.Sorted(maps.Keys(c.containers)) {
		if slices.Contains(states, c.containers[id]) {
			candidates = append(candidates, id)
		}
	}
	if len(candidates) == 0 {
		return false
	}
	id := pick(c.random, candidates)
	if err := do(id); err != nil {
		t.Fatal(err)
	}
	if to != "" {
		c.containers[id] = to
	}
	return true
}

func (c *changes) start(t *testing.T) bool {
	return c.container(t, func(id string) error {
		return c.docker.ContainerStart(t.Context(), id, container.StartOptions{})
	}, "running", "created", "exited")
}

func (c *changes) stop(t *testing.T) bool {
	return c.container(t, func(id string) error {
		return c.docker.ContainerStop(t.Context(), id, container.StopOptions{Timeout: new(0)})
	}, "exited", "running", "paused")
}

func (c *changes) pause(t *testing.T) bool {
	return c.container(t, func(id string) error { return c.docker.ContainerPause(t.Context(), id) }, "paused", "running")
}

func (c *changes) unpause(t *testing.T) bool {
	return c.container(t, func(id string) error { return c.docker.ContainerUnpause(t.Context(), id) }, "running", "paused")
}

func (c *changes) rename(t *testing.T) bool {
	return c.container(t, func(id string) error {
		return c.docker.ContainerRename(t.Context(), id, engine.UniqueName("Renamed_"))
	}, "", "created", "running", "paused", "exited")
}

func (c *changes) remove(t *testing.T) bool {
	return c.container(t, func(id string) error {
		delete(c.containers, id)
		return c.docker.ContainerRemove(t.Context(), id, container.RemoveOptions{Force: true})
	}, "", "created", "running", "exited")
}

func (c *changes) tag(t *testing.T) bool {
	ref := engine.UniqueName("127.0.0.1:5000/some/tag") + ":v1"
	eng.Tag(t, pick(c.random, c.images), ref)
	c.tags = append(c.tags, ref)
	return true
}

// retag moves a tag to a random image, which may be the same image as before.
func (c *changes) retag(t *testing.T) bool {
	if len(c.tags) == 0 {
		return false
	}
	if err := c.docker.ImageTag(t.Context(), pick(c.random, c.images), pick(c.random, c.tags)); err != nil {
		t.Fatal(err)
	}
	return true
}

func (c *changes) untag(t *testing.T) bool {
	return c.drop(t, &c.tags, func(ref string) error {
		_, err := c.docker.ImageRemove(t.Context(), ref, image.RemoveOptions{})
		return err
	})
}

func (c *changes) createVolume(t *testing.T) bool {
	name := engine.UniqueName("Volume_")
	eng.Volume(t, name, map[string]string{"change": fmt.Sprint(c.made)})
	c.volumes = append(c.volumes, name)
	return true
}

func (c *changes) removeVolume(t *testing.T) bool {
	return c.drop(t, &c.volumes, func(name string) error { return c.docker.VolumeRemove(t.Context(), name, false) })
}

func (c *changes) createNetwork(t *testing.T) bool {
	if len(c.networks) == maxNetworks {
		return false
	}
	c.networks = append(c.networks, eng.Network(t, engine.UniqueName("Network_"), map[string]string{"change": fmt.Sprint(c.made)}))
	return true
}

func (c *changes) removeNetwork(t *testing.T) bool {
	return c.drop(t, &c.networks, func(id string) error { return c.docker.NetworkRemove(t.Context(), id) })
}

func (c *changes) drop(t *testing.T, from *[]string, drop func(string) error) bool {
	t.Helper()
	if len(*from) == 0 {
		return false
	}
	i := c.random.IntN(len(*from))
	if err := drop((*from)[i]); err != nil {
		t.Fatal(err)
	}
	*from = slices.Delete(*from, i, i+1)
	return true
}
