// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/versions"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// connectedTo returns the names of the containers that a network shows.
func connectedTo(n *v1alpha1.Network) (names []string) {
	for _, c := range n.Status.Containers {
		names = append(names, c.Name)
	}
	return names
}

func TestEveryChangeOfANetworkShows(t *testing.T) {
	x := connect(t)
	name, home, web := engine.UniqueName("My_Net.Work"), engine.UniqueName("home"), engine.UniqueName("web")
	shared.Network(t, home, nil)
	id := shared.Network(t, name, map[string]string{"a": "b"})
	n := x.network(t, name)
	if n == nil || n.Status.ID != id || n.Labels["a"] != "b" || n.Status.CreatedAt == nil || len(n.Status.Subnets) != 1 || n.Spec.IPAM.Config[0].Subnet != n.Status.Subnets[0] {
		t.Fatalf("%+v", n)
	}
	check := func(what string, want ...string) {
		t.Helper()
		if got := connectedTo(x.network(t, name)); !slices.Equal(got, want) {
			t.Errorf("%s: the network shows %q, want %q", what, got, want)
		}
	}
	container1 := shared.Run(t, web, engine.OnNetwork(home))
	check("before the connection")
	dockertest.Must(t, x.docker.NetworkConnect(t.Context(), name, web, nil))
	check("connect", web)
	if c := x.network(t, name).Status.Containers[0]; c.ID != container1 || c.MacAddress == "" || !strings.Contains(c.Ipv4Address, "/") {
		t.Errorf("%+v", c)
	}
	dockertest.Must(t, x.docker.ContainerRename(t.Context(), web, web+"2"))
	check("rename", web+"2")
	dockertest.Must(t, x.docker.ContainerStop(t.Context(), container1, container.StopOptions{}))
	check("stop")
	dockertest.Must(t, x.docker.ContainerStart(t.Context(), container1, container.StartOptions{}))
	check("start", web+"2")
	dockertest.Must(t, x.docker.NetworkDisconnect(t.Context(), name, container1, false))
	check("disconnect")
	dockertest.Must(t, x.docker.NetworkConnect(t.Context(), name, container1, nil))
	dockertest.Must(t, x.docker.ContainerRemove(t.Context(), container1, container.RemoveOptions{Force: true}))
	check("docker rm -f")
	dockertest.Must(t, x.docker.NetworkRemove(t.Context(), name))
	if x.network(t, name) != nil {
		t.Error("shown after the removal")
	}
}

func TestAPruneOfNetworksShows(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("prune")
	for _, suffix := range []string{"a", "b"} {
		shared.Network(t, name+suffix, map[string]string{name: ""})
		if x.network(t, name+suffix) == nil {
			t.Fatal("not shown")
		}
	}
	_, err := x.docker.NetworksPrune(t.Context(), filters.NewArgs(filters.Arg("label", name)))
	dockertest.Must(t, err)
	if x.network(t, name+"a") != nil || x.network(t, name+"b") != nil {
		t.Error("shown after the prune")
	}
}

func TestNetworksThatAreThereBeforeTheConnectionAreShown(t *testing.T) {
	name := engine.UniqueName("there")
	shared.Network(t, name, nil)
	web := engine.UniqueName("web")
	shared.Run(t, web, engine.OnNetwork(name))
	x := connect(t)
	if n := x.n.held(name).(*v1alpha1.Network); !slices.Equal(connectedTo(n), []string{web}) {
		t.Errorf("%+v", n)
	}
	for _, name := range []string{"host", "none"} {
		if n, ok := x.n.held(name).(*v1alpha1.Network); !ok || len(n.Status.Subnets) > 0 {
			t.Errorf("%s: %+v", name, n)
		}
	}
}

func TestANetworkIsFoundByItsNameAndByItsIDs(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("lookup")
	id := shared.Network(t, name, nil)
	odd := "a/b %" + name
	oddID := shared.Network(t, odd, nil)
	for asked, want := range map[string]string{
		"engine/" + name: id, "engine/" + id: id, "engine/" + id[:12]: id, "engine/" + containers.ObjectName(odd): oddID,
		"elsewhere/" + name: "", "engine/" + id[:11]: "", "engine/" + id[:13]: "", "engine/nothing": "", "engine/": "", "engine/..": "", "engine/" + odd: "", name: "",
	} {
		if got, err := x.Networks().Lookup(t.Context(), asked); got != want || err != nil {
			t.Errorf("%q: %q, %v", asked, got, err)
		}
	}
	if n := x.network(t, containers.ObjectName(odd)); n == nil || n.Status.Name != odd {
		t.Errorf("%+v", n)
	}
	for _, subject := range []string{"", "..", "../containers/x", name, id[:12]} {
		if objects, _, err := x.Networks().Observe(t.Context(), subject); len(objects) != 0 || err != nil {
			t.Errorf("%q: %v, %v", subject, objects, err)
		}
	}
}

func TestANetworkInUseIsAConflictThatNamesItsContainers(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("used")
	id := shared.Network(t, name, nil)
	user := shared.Run(t, name+"-c", engine.OnNetwork(name))
	n := x.network(t, name)
	if err := x.Networks().Delete(t.Context(), id, n); dockertest.Code(err) != 409 || !dockertest.Contains(err, "active endpoints") || !dockertest.Contains(err, "used by: "+name+"-c") {
		t.Errorf("%v", err)
	}
	if err := x.Networks().Delete(byForce(t.Context()), id, n); dockertest.Code(err) != 409 {
		t.Errorf("forced delete: %v", err)
	}
	dockertest.Must(t, x.docker.ContainerStop(t.Context(), user, container.StopOptions{}))
	dockertest.Must(t, x.Networks().Delete(t.Context(), id, n))
	if x.network(t, name) != nil {
		t.Error("shown after the removal")
	}
	if err := x.Networks().Delete(t.Context(), id, n); dockertest.Code(err) != 404 {
		t.Errorf("second delete: %v", err)
	}
}

func TestAPredefinedNetworkCannotBeDeleted(t *testing.T) {
	x := connect(t)
	for _, name := range []string{"host", "none"} {
		n := x.network(t, name)
		if err := x.Networks().Delete(t.Context(), n.Status.ID, n); dockertest.Code(err) != 403 || !dockertest.Contains(err, name+" is a pre-defined network") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNetworksOfOneNameAreAllShownAndTheNextOldestGetsTheName(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("same")
	first := shared.Network(t, name, nil)
	second, err := shared.Namesake(t, name)
	if version := x.docker.ClientVersion(); versions.GreaterThanOrEqualTo(version, "1.44") {
		if err == nil {
			t.Errorf("Docker with API %s allows two networks of the same name", version)
		}
		return
	}
	dockertest.Must(t, err)
	third, err := shared.Namesake(t, name)
	dockertest.Must(t, err)
	made := func(id string) string { return containers.ObjectName(name + "\xff" + id[:12]) }
	check := func(what string, want map[string]string) {
		t.Helper()
		for _, asked := range []string{name, made(first), made(second), made(third)} {
			var id string
			if n := x.network(t, asked); n != nil {
				id = n.Status.ID
			}
			if found, err := x.Networks().Lookup(t.Context(), "engine/"+asked); id != want[asked] || found != want[asked] || err != nil {
				t.Errorf("%s: %s is %q and is found as %q, want %q; %v", what, asked, id, found, want[asked], err)
			}
		}
	}
	check("three", map[string]string{name: first, made(second): second, made(third): third})
	dockertest.Must(t, x.Networks().Delete(t.Context(), first, x.network(t, name)))
	check("the oldest is deleted", map[string]string{name: second, made(third): third})
	dockertest.Must(t, x.docker.NetworkRemove(t.Context(), second))
	check("docker removes the next", map[string]string{name: third})
	if n, err := x.docker.NetworkInspect(t.Context(), name, network.InspectOptions{}); err != nil || n.ID != third {
		t.Errorf("Docker means %s, %v", n.ID, err)
	}
}

func TestANetworkThatIsMadeAnewTakesTheNameAtOnce(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("anew")
	for range 5 {
		id := shared.Network(t, name, nil)
		n := x.network(t, name)
		if n == nil || n.Status.ID != id {
			t.Fatalf("%+v, want %s", n, id)
		}
		dockertest.Must(t, x.docker.NetworkRemove(t.Context(), id))
	}
}
