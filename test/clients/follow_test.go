// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package clients_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/util/consistencydetector"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// follower is a client that follows the engine. verbs are the requests that it may make for each resource.
type follower struct {
	name   string
	follow func(*testing.T, *testserver.Server) *record
	verbs  []string
}

var followers = []follower{
	{"informers of client-go 0.37", followInformers, []string{"watch"}},
	{"informers of client-go 0.31", followInformers031, []string{"list", "watch"}},
	{"generated clients", followTyped, []string{"list", "watch"}},
}

// followAll starts every follower and returns their records by name.
func followAll(t *testing.T, server *testserver.Server) map[string]*record {
	t.Helper()
	records := map[string]*record{}
	for _, f := range followers {
		records[f.name] = f.follow(t, server)
	}
	return records
}

// requireAllFollowed waits until each follower knows what a live list shows. It fails if a follower made other requests than its
// first ones.
func requireAllFollowed(t *testing.T, server *testserver.Server, records map[string]*record) {
	t.Helper()
	client := newClient(t, server.Config(t))
	for _, f := range followers {
		t.Run(f.name, func(t *testing.T) {
			records[f.name].requireLive(t, client)
			records[f.name].requireRequests(t, f.verbs...)
		})
	}
}

// requireSameEvents waits until every follower has seen the same events of each object.
func requireSameEvents(t *testing.T, records map[string]*record) {
	t.Helper()
	first := records[followers[0].name]
	for _, f := range followers[1:] {
		eventually(t, func() string {
			if difference := cmp.Diff(first.allSeen(), records[f.name].allSeen()); difference != "" {
				return fmt.Sprintf("events differ (-%s +%s):\n%s", followers[0].name, f.name, difference)
			}
			return ""
		})
	}
}

func TestClientsFollow300ChangesWithoutARelist(t *testing.T) {
	const seed = 2
	made := newChanges(t, seed)
	made.make(t, 20)
	server := testserver.Start(t, eng.Host())
	records := followAll(t, server)
	made.make(t, 300)
	requireAllFollowed(t, server, records)
	requireSameEvents(t, records)
}

func TestALifeOfAContainerIsFourEvents(t *testing.T) {
	server := testserver.Start(t, eng.Host())
	records := followAll(t, server)
	client := newClient(t, server.Config(t)).Containers(testserver.Namespace)
	docker := eng.Client()
	for range 10 {
		name := engine.UniqueName("life")
		id := eng.Create(t, name)
		created, err := client.Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var want []watch.EventType
		requireNext := func(kind watch.EventType) {
			t.Helper()
			want = append(want, kind)
			for who, record := range records {
				eventually(t, func() string {
					if got := record.seen(created.UID); len(got) < len(want) {
						return fmt.Sprintf("%s: events %v, want %v", who, got, want)
					}
					return ""
				})
			}
		}
		requireNext(watch.Added)
		if err := docker.ContainerStart(t.Context(), id, container.StartOptions{}); err != nil {
			t.Fatal(err)
		}
		requireNext(watch.Modified)
		if err := docker.ContainerStop(t.Context(), id, container.StopOptions{Timeout: new(0)}); err != nil {
			t.Fatal(err)
		}
		requireNext(watch.Modified)
		// The server must not inspect the container for Docker's event "stop" while Docker removes it, and show that.
		if _, err := client.Get(t.Context(), name, metav1.GetOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := docker.ContainerRemove(t.Context(), id, container.RemoveOptions{}); err != nil {
			t.Fatal(err)
		}
		requireNext(watch.Deleted)
		for who, record := range records {
			if got := record.seen(created.UID); !slices.Equal(got, want) {
				t.Errorf("%s: events %v, want %v", who, got, want)
			}
		}
	}
}

func TestClientsFollowOverARestartOfTheEngineWithoutARelist(t *testing.T) {
	made := newChanges(t, 3)
	made.make(t, 20)
	eng.Run(t, engine.UniqueName("running"))
	eng.Volume(t, engine.UniqueName("volume"), nil)
	server := testserver.Start(t, eng.Host())
	records := followAll(t, server)
	if err := eng.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := eng.Restart(); err != nil {
		t.Fatal(err)
	}
	eng.Create(t, engine.UniqueName("after"))
	requireAllFollowed(t, server, records)
}

// The test turns on a check of client-go. After the initial events of a watch, the check lists the objects at the same version. It
// panics if the list differs.
func TestInitialEventsOfAWatchEqualAListAtTheirVersion(t *testing.T) {
	defer consistencydetector.SetDataConsistencyDetectionForWatchListEnabledForTest(true)()
	newChanges(t, 4).make(t, 20)
	eng.Volume(t, engine.UniqueName("volume"), nil)
	server := testserver.Start(t, eng.Host())
	followInformers(t, server).requireRequests(t, "watch", "list")
}
