// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package robustness

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/clients"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
	"github.com/rancher-sandbox/engine-apiserver/test/specs"
)

// creators is the number of clients that create one object after another.
const creators = 2

// newWorkshop makes all that the specs of containers of a round can refer to. It goes when the engine is emptied after the round.
func (r *round) newWorkshop(ctx context.Context) *clients.Workshop {
	r.t.Helper()
	name := fmt.Sprintf("workshop-%d", r.number)
	world := specs.World{Image: engine.Busybox, Container: name, Dir: r.t.TempDir(), Volume: name, API: eng.Client().ClientVersion()}
	must := func(err error) {
		r.t.Helper()
		if err != nil {
			r.t.Fatal(err)
		}
	}
	_, err := eng.Client().VolumeCreate(ctx, volume.CreateOptions{Name: name})
	must(err)
	_, err = eng.Client().ContainerCreate(ctx, engine.Config(), &container.HostConfig{IpcMode: "shareable"}, nil, nil, name)
	must(err)
	for i := range 2 {
		made := specs.Network{Name: fmt.Sprintf("%s-%d", name, i), Subnet: fmt.Sprintf("10.99.%d", i)}
		ipam := &network.IPAM{Config: []network.IPAMConfig{{Subnet: made.Subnet + ".0/24"}}}
		_, err := eng.Client().NetworkCreate(ctx, made.Name, network.CreateOptions{IPAM: ipam})
		must(err)
		world.Networks = append(world.Networks, made)
	}
	return &clients.Workshop{Docker: eng.Client(), World: world, Prefix: r.target.Prefix + "-made"}
}

// startCreations starts the clients that create. The function that it returns waits for the end of what they have begun.
func (r *round) startCreations(ctx context.Context) (stop func()) {
	workshop := r.newWorkshop(ctx)
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	for i := range creators {
		client := r.newClient(fmt.Sprintf("creator %d", i))
		group.Go(func() { client.Create(ctx, workshop) })
	}
	return func() {
		cancel()
		group.Wait()
	}
}

// blindCreations forgives creations of a period in which the server showed another engine: it is that engine which has the object.
func blindCreations(creations []*history.Creation, blind span) {
	for _, creation := range creations {
		if creation.Ended >= blind.from && creation.Began <= blind.to {
			creation.Missing, creation.Wrong, creation.Refused = false, nil, ""
		}
	}
}

// creationsOf returns under which name a creation is counted.
func creationsOf(creation *history.Creation) string {
	if creation.Created {
		return "creations, " + creation.Kind
	}
	return "creations, " + creation.Kind + ": refused"
}

// neverCreated returns the kinds of which no object was created.
func neverCreated(counts map[string]int64) []string {
	return slices.DeleteFunc([]string{"container", "volume", "network"}, func(kind string) bool { return counts["creations, "+kind] > 0 })
}

func TestKindsOfWhichNothingIsCreatedAreNoticed(t *testing.T) {
	counts := map[string]int64{"creations, container": 1, "creations, volume: refused": 1}
	if kinds := neverCreated(counts); !slices.Equal(kinds, []string{"volume", "network"}) {
		t.Errorf("%q", kinds)
	}
}
