// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package specs

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// NewRandom returns random numbers of the seed in SEED, or of a new one. A test that fails logs its seed.
func NewRandom(t testing.TB) *rand.Rand {
	t.Helper()
	seed, _ := strconv.ParseUint(os.Getenv("SEED"), 10, 64)
	seed = cmp.Or(seed, uint64(time.Now().UnixNano()))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("SEED=%d repeats this", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

// NewWorld makes all that specs can refer to. Everything but the directory and the volume is removed after the test.
func NewWorld(t testing.TB, e *engine.Engine, image string) World {
	t.Helper()
	dir := filepath.Join(e.Dir(), engine.UniqueName("dir"))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	made, err := e.Client().VolumeCreate(t.Context(), volume.CreateOptions{Name: engine.UniqueName("volume")})
	if err != nil {
		t.Fatal(err)
	}
	peer := engine.UniqueName("peer")
	e.Create(t, peer, func(_ *container.Config, host *container.HostConfig) { host.IpcMode = "shareable" })
	return World{Image: image, Networks: []Network{NewNetwork(t, e), NewNetwork(t, e)}, Container: peer, Dir: dir, Volume: made.Name, API: e.Client().ClientVersion()}
}

var subnets atomic.Int32

// NewNetwork makes a network that has a subnet, and returns it. It is removed after the test.
func NewNetwork(t testing.TB, e *engine.Engine) Network {
	t.Helper()
	made := Network{Name: engine.UniqueName("net"), Subnet: fmt.Sprintf("10.%d.%d", 200+os.Getpid()%50, subnets.Add(1)%256)}
	options := network.CreateOptions{IPAM: &network.IPAM{Config: []network.IPAMConfig{{Subnet: made.Subnet + ".0/24"}}}}
	if _, err := e.Client().NetworkCreate(t.Context(), made.Name, options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Client().NetworkRemove(context.WithoutCancel(t.Context()), made.Name); err != nil {
			t.Errorf("removing the network %s: %v", made.Name, err)
		}
	})
	return made
}
