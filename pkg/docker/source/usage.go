// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/mount"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/lru"
	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/batcher"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
)

const (
	// usersTimeout is how long the list of all containers may take.
	usersTimeout = 30 * time.Second
	// mostUnheard is how many containers are remembered that have gone and of whose removal nothing was heard yet. It matters only
	// for an engine that raises no events.
	mostUnheard = 1024
	// containerSubject is the beginning of the subject for a container that may use something.
	containerSubject = "container "
)

// User is a container, with the parts of a listed container that say what it uses.
type User struct {
	ID      string `json:"Id"`
	ImageID string
	Mounts  []Mount
}

// Mount is what a container has mounted.
type Mount struct {
	Type mount.Type
	Name string
}

// Usage knows which things of one kind, such as images, are in use. A thing is in use if a container has it, whether the
// container runs or not. A container has the same things all its life, so only its creation and its removal count. Docker
// raises an event for each.
//
// Usage is for a kind whose store has a subject for each container that came or went. The observation of such a subject
// shows no object and leads to the things that the container has or had.
type Usage struct {
	client *connection.Client
	// used returns the things that a container has.
	used func(User) []string
	// firsts makes the first list of all containers on a connection.
	firsts *batcher.Batcher[struct{}]

	mu         sync.Mutex
	connection *connection.Connection // on which all containers were asked for last
	isKnown    bool                   // whether the engine listed them
	things     map[string][]string    // by container
	unheard    *lru.Cache             // by container: the things that it had before a list showed that it has gone
	containers map[string]int         // how many containers have a thing
	readings   int                    // lists of all containers that are being read
	heard      map[string]int         // by container: the number of its last event since the oldest reading began
	events     int
}

// NewUsage returns the usage of a kind. used returns the things of the kind that a container has.
func NewUsage(client *connection.Client, used func(User) []string) *Usage {
	u := &Usage{client: client, used: used, things: map[string][]string{}, containers: map[string]int{}, heard: map[string]int{},
		unheard: lru.New(mostUnheard)}
	u.firsts = batcher.New(u.readFirst)
	return u
}

// lifeEvents are the events at which containers come and go. Podman says remove.
var lifeEvents = []events.Action{events.ActionCreate, events.ActionDestroy, events.ActionRemove}

// Hear returns the subject that an event makes dirty. ok is false if there is none.
func (u *Usage) Hear(event Event) (subject string, ok bool) {
	id := event.Actor.ID
	if event.Type != events.ContainerEventType || !slices.Contains(lifeEvents, event.Verb()) || !names.IsFullID(id) {
		return "", false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.events++
	if u.readings > 0 {
		u.heard[id] = u.events
	}
	return containerSubject + id, true
}

// Observe looks at the container of a subject, and returns the things that it has or had. ok is false if the subject is not
// one that Hear returns.
func (u *Usage) Observe(ctx context.Context, subject string) (things []string, ok bool, err error) {
	id, ok := strings.CutPrefix(subject, containerSubject)
	if !ok {
		return nil, false, nil
	}
	found := map[string][]string{}
	err = u.client.Read(ctx, u.client.InspectTimeout, func(ctx context.Context, c *connection.Connection) (err error) {
		// A list does not wait for a container that starts or that is being copied from. An inspection does.
		found, err = u.list(ctx, c, filters.NewArgs(filters.Arg("id", id)))
		return err
	})
	if connection.IsRefused(err) {
		return nil, true, nil // what is known stays
	} else if err != nil {
		return nil, true, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	before, _ := u.unheard.Get(id)
	had, _ := before.([]string)
	u.unheard.Remove(id)
	things = slices.Concat(had, u.things[id], found[id])
	u.setLocked(id, found[id])
	return things, true, nil
}

// Read lists all containers. If the engine does not list them, what is in use stays as events have shown it. On a new
// connection nothing is known then.
func (u *Usage) Read(ctx context.Context) {
	began := u.begin()
	var found map[string][]string
	var current *connection.Connection
	err := u.client.Read(ctx, usersTimeout, func(ctx context.Context, c *connection.Connection) (err error) {
		current = c
		found, err = u.list(ctx, c, filters.NewArgs())
		return err
	})
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.readings--; u.readings == 0 {
		defer clear(u.heard)
	}
	if current == nil { // the call was not made
		return
	} else if err != nil {
		u.isKnown = u.isKnown && current == u.connection
		u.connection = current
		return
	}
	u.connection, u.isKnown = current, true
	for id := range u.things {
		if _, still := found[id]; !still && u.heard[id] <= began {
			u.unheard.Add(id, u.things[id]) // the observation of its removal is still to come
			u.setLocked(id, nil)
		}
	}
	for id, things := range found {
		if u.heard[id] <= began {
			u.setLocked(id, things)
		}
	}
}

// begin notes that all containers are being listed. The observation of a container that is heard of from now on knows
// better than that list.
func (u *Usage) begin() (events int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.readings++
	return u.events
}

func (u *Usage) setLocked(id string, things []string) {
	for _, thing := range u.things[id] {
		if u.containers[thing]--; u.containers[thing] == 0 {
			delete(u.containers, thing)
		}
	}
	for _, thing := range things {
		u.containers[thing]++
	}
	u.things[id] = things
	if len(things) == 0 {
		delete(u.things, id)
	}
}

// InUse reports whether a container has the thing. It returns nil if the engine does not say which containers there are. On
// a connection on which nothing was listed yet, it lists all containers: an event can come before the first list.
func (u *Usage) InUse(ctx context.Context, thing string) *bool {
	if current, err := u.client.Current(); err != nil {
		return nil
	} else if !u.hasAsked(current) {
		_, _ = u.firsts.Do(ctx)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.isKnown {
		return nil
	}
	return ptr.To(u.containers[thing] > 0)
}

// readFirst lists all containers, unless they were listed on this connection. Many ask for the first list at once.
func (u *Usage) readFirst() (struct{}, error) {
	if current, err := u.client.Current(); err == nil && !u.hasAsked(current) {
		u.Read(current.Context())
	}
	return struct{}{}, nil
}

// hasAsked reports whether all containers were asked for on the connection.
func (u *Usage) hasAsked(current *connection.Connection) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.connection == current
}

// list returns what the containers that pass the filter have, by container.
func (u *Usage) list(ctx context.Context, c *connection.Connection, filter filters.Args) (map[string][]string, error) {
	query := url.Values{"all": {"1"}}
	if filter.Len() > 0 {
		text, err := filters.ToJSON(filter)
		if err != nil {
			return nil, err
		}
		query.Set("filters", text)
	}
	found := map[string][]string{}
	add := func(user User) { found[user.ID] = sets.List(sets.New(u.used(user)...)) }
	ok := c.EachItem(ctx, "/containers/json", query, func(decode func(any) error) error {
		var user User
		err := decode(&user)
		add(user)
		return err
	})
	if ok {
		return found, nil
	}
	clear(found)
	listed, err := c.Docker.ContainerList(ctx, container.ListOptions{All: true, Filters: filter})
	for _, summary := range listed {
		user := User{ID: summary.ID, ImageID: summary.ImageID}
		for _, m := range summary.Mounts {
			user.Mounts = append(user.Mounts, Mount{m.Type, m.Name})
		}
		add(user)
	}
	return found, err
}
