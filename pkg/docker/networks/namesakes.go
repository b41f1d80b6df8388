// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package networks

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/lru"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
)

// namesakes holds which networks exist, and which of them have the same name in Docker. The oldest of these keeps the
// name for its object. When it goes, the oldest of the others gets the name. So two networks never have the same object
// name.
type namesakes struct {
	mu       sync.Mutex
	networks map[string]identity         // by ID
	named    map[string]sets.Set[string] // the IDs of the networks with a name in Docker
	// steps counts reads and removals. It tells whether a read began before a removal.
	steps uint64
	// removals maps the IDs of removed networks to the step of the removal. Docker never uses an ID again. But what was
	// read before a removal may arrive after it.
	removals *lru.Cache
}

// identity is what never changes of a network. It is empty if the network is known only from events.
type identity struct {
	name    string
	created time.Time
}

// rememberedRemovals is how many removals namesakes remembers.
const rememberedRemovals = 1024

// now returns the step at which a read of Docker begins.
func (n *namesakes) now() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.steps++
	return n.steps
}

// heard notes that an event has named a network.
func (n *namesakes) heard(id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, known := n.networks[id]; !known {
		n.setLocked(id, identity{})
	}
}

// all returns the IDs of all networks.
func (n *namesakes) all() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Collect(maps.Keys(n.networks))
}

// learn takes in what a read has found that began at the step since. It returns the IDs of other networks whose object
// name is now another one.
func (n *namesakes) learn(id, name string, created time.Time, since uint64) (renamed []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.removals != nil {
		if removed, ok := n.removals.Get(id); ok && removed.(uint64) > since {
			return nil
		}
	}
	found := identity{name, created.UTC()}
	if known, ok := n.networks[id]; ok && known == found {
		return nil
	}
	renamed = n.dropLocked(id)
	before := n.oldestLocked(name)
	n.setLocked(id, found)
	if before != "" && n.oldestLocked(name) == id {
		renamed = append(renamed, before)
	}
	return renamed
}

// remove notes that a network is gone. It returns the ID of the network whose object gets its name, if there is one.
func (n *namesakes) remove(id string) (renamed []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.removals == nil {
		n.removals = lru.New(rememberedRemovals)
	}
	n.steps++
	n.removals.Add(id, n.steps)
	return n.dropLocked(id)
}

// objectName returns the metadata.name of a network. It returns false if the network is gone.
func (n *namesakes) objectName(id string) (string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	known, ok := n.networks[id]
	if !ok {
		return "", false
	}
	if n.oldestLocked(known.name) == id {
		return containers.ObjectName(known.name), true
	}
	// A byte that is no text makes a name that no name in Docker can become.
	return containers.ObjectName(known.name + "\xff" + containers.ShortID(id)), true
}

func (n *namesakes) setLocked(id string, known identity) {
	if n.networks == nil {
		n.networks, n.named = map[string]identity{}, map[string]sets.Set[string]{}
	}
	n.networks[id] = known
	if known == (identity{}) {
		return
	}
	if n.named[known.name] == nil {
		n.named[known.name] = sets.New[string]()
	}
	n.named[known.name].Insert(id)
}

// dropLocked forgets a network. It returns the ID of the network whose object gets its name.
func (n *namesakes) dropLocked(id string) (renamed []string) {
	known, ok := n.networks[id]
	if !ok {
		return nil
	}
	wasOldest := n.oldestLocked(known.name) == id
	delete(n.networks, id)
	n.named[known.name].Delete(id)
	if n.named[known.name].Len() == 0 {
		delete(n.named, known.name)
		return nil
	}
	if !wasOldest {
		return nil
	}
	return []string{n.oldestLocked(known.name)}
}

// oldestLocked returns the ID of the oldest network with a name in Docker. It returns "" if there is none. Of networks
// that are equally old it returns the one with the lowest ID.
func (n *namesakes) oldestLocked(name string) string {
	oldest := ""
	for id := range n.named[name] {
		if oldest == "" || n.isOlderLocked(id, oldest) {
			oldest = id
		}
	}
	return oldest
}

func (n *namesakes) isOlderLocked(a, b string) bool {
	if order := n.networks[a].created.Compare(n.networks[b].created); order != 0 {
		return order < 0
	}
	return strings.Compare(a, b) < 0
}
