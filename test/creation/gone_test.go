// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package creation

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/volume"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

// makers are the functions in which the server is while Docker makes a container. The first one ends with the request, and the
// second one goes on.
var makers = []string{"livestore.(*Store).create(", "containers.(*Source).make("}

// creating returns those of makers in which the server is now. The server is in this process.
func creating(t *testing.T) (running []string) {
	t.Helper()
	var stacks bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&stacks, 2); err != nil {
		t.Fatal(err)
	}
	for _, maker := range makers {
		if strings.Contains(stacks.String(), maker) {
			running = append(running, maker)
		}
	}
	return running
}

// awaitNoCreate waits until the server makes no container any more.
func awaitNoCreate(t *testing.T) {
	t.Helper()
	kubectl.Eventually(t, "no create is left", func() bool { return len(creating(t)) == 0 })
}

// onTwoNetworks returns a container on two networks of its own, with an anonymous volume. On older engines Docker is asked to
// connect it to the second one.
func onTwoNetworks(t *testing.T) *v1alpha1.Container {
	t.Helper()
	one, two := engine.UniqueName("one"), engine.UniqueName("two")
	eng.Network(t, one, nil)
	eng.Network(t, two, nil)
	return on(t, one, two)
}

// on returns a container on two networks.
func on(t *testing.T, one, two string) *v1alpha1.Container {
	return wanted(t, func(s *v1alpha1.ContainerSpec) {
		s.NetworkMode, s.Networks = "", []v1alpha1.ContainerNetworkAttachment{{Name: one}, {Name: two, Aliases: []string{"other"}}}
		s.Mounts = []v1alpha1.ContainerMount{{Type: v1alpha1.ContainerMountVolume, Target: "/data"}}
	})
}

// checkWhole checks that there is no container of that name, or one that is whole.
func checkWhole(t *testing.T, wanted *v1alpha1.Container) (exists bool) {
	t.Helper()
	inspected := eng.Inspect(t, wanted.Name)
	if inspected == nil {
		return false
	}
	var networks []string
	for _, n := range wanted.Spec.Networks {
		networks = append(networks, n.Name)
	}
	connected := slices.Sorted(maps.Keys(inspected.NetworkSettings.Networks))
	if !inspected.State.Running || !slices.Equal(connected, slices.Sorted(slices.Values(networks))) || len(inspected.Mounts) != 1 {
		t.Errorf("the container is half made: %s, on %v, with %v", inspected.State.Status, connected, inspected.Mounts)
	}
	return true
}

func volumes(t *testing.T) []string {
	t.Helper()
	listed, err := eng.Client().VolumeList(t.Context(), volume.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, v := range listed.Volumes {
		names = append(names, v.Name)
	}
	slices.Sort(names)
	return names
}

func TestAClientThatGoesAtAnyStageLeavesOneWholeContainerOrNone(t *testing.T) {
	t.Cleanup(func() { proxy.Fail(nil) })
	networks := onTwoNetworks(t).Spec.Networks
	made, stages := 0, 1
	for stage := 0; stage < stages; stage++ {
		c, wanted := newClient(t), on(t, networks[0].Name, networks[1].Name)
		before := volumes(t)
		ctx, cancel := context.WithCancel(t.Context())
		reached, gone := make(chan string, 1), make(chan struct{})
		asked := make(chan int, 1)
		asked <- 0
		proxy.Fail(func(_ http.ResponseWriter, r *http.Request) bool {
			n := <-asked
			asked <- n + 1
			if n == stage {
				reached <- fmt.Sprintf("%s %s", r.Method, r.URL.Path)
				select {
				case <-gone:
				case <-r.Context().Done():
				}
			}
			return false
		})
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			c.Create(ctx, wanted, metav1.CreateOptions{}) // cut off, it has no outcome
		}()
		what := "after the end"
		select {
		case what = <-reached:
		case <-answered:
		}
		// Under other names, awaitNoCreate would wait for nothing.
		if running := creating(t); strings.HasSuffix(what, "/containers/create") && !slices.Equal(running, makers) {
			t.Errorf("%s: the server is in %q, want %q", what, running, makers)
		}
		cancel()
		<-answered
		close(gone)
		awaitNoCreate(t)
		proxy.Fail(nil)
		if n := <-asked; what != "after the end" {
			stages = max(stages, n+1)
		}
		exists := checkWhole(t, wanted)
		t.Logf("cut off at the request %d, %s: the container is there: %t", stage, what, exists)
		if exists {
			made++
		} else if after := volumes(t); !slices.Equal(before, after) {
			t.Errorf("%s: the volumes %v are left", what, after)
		}
		if strings.HasPrefix(what, http.MethodPost) && !exists {
			t.Errorf("%s: there is no container", what)
		}
	}
	if made == 0 || stages < 4 {
		t.Errorf("%d of %d creates made a container", made, stages)
	}
}

func TestAContainerThatCannotBeConnectedIsNotLeft(t *testing.T) {
	wanted, before := onTwoNetworks(t), volumes(t)
	proxy.Fail(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/connect") {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintln(w, `{"message":"no way to the network"}`)
		return true
	})
	t.Cleanup(func() { proxy.Fail(nil) })
	_, err := newClient(t).Create(t.Context(), wanted, metav1.CreateOptions{})
	if err == nil { // newer engines connect a container to all its networks when they make it
		checkWhole(t, wanted)
		return
	}
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "no way to the network") || eng.Inspect(t, wanted.Name) != nil {
		t.Error(err)
	}
	if after := volumes(t); !slices.Equal(before, after) {
		t.Errorf("the volumes %v are left", after)
	}
}

func TestASecondNetworkThatIsNotThereIsInvalid(t *testing.T) {
	wanted := onTwoNetworks(t)
	wanted.Spec.Networks[1].Name = engine.UniqueName("missing")
	_, err := newClient(t).Create(t.Context(), wanted, metav1.CreateOptions{})
	if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "spec.networks[1]") || eng.Inspect(t, wanted.Name) != nil {
		t.Error(err)
	}
}
