// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package failpoints is what can go wrong between a server, its engine and its clients, each as it can be brought about on a
// real engine or, where that cannot be made to show it, by the proxy before it.
package failpoints

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/test/dockerproxy"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// recovery bounds all calls that one recovery makes.
const recovery = 3 * time.Minute

// Target is what faults are injected into.
type Target struct {
	// Engine is what the server shows, Other another one, that it is never meant to show.
	Engine, Other *engine.Engine
	// Proxy is between the server and its engine.
	Proxy                   *dockerproxy.Proxy
	KillServer, StartServer func()
	Namespace               string
	// Prefix begins the names of all that the traffic makes.
	Prefix string
	Random *rand.Rand
	// Short asks for fewer of everything.
	Short bool
}

// count is how many of something a run takes.
func (t *Target) count(whole, short int) int {
	if t.Short {
		return short
	}
	return whole
}

// Failpoint is one fault.
type Failpoint struct {
	Name string
	// Explains is true if it can bring about changes that no event reports: what a comparison then finds is no fault of the server.
	Explains bool
	// Blind is true if what the server shows meanwhile says nothing of Engine.
	Blind bool
	// Hold is how long the fault lasts, HoldShort in a short run.
	Hold, HoldShort time.Duration
	// Inject begins the fault. The function that it returns ends it.
	Inject func(context.Context, *Target) (recover func() error, err error)
}

// All are all faults.
var All = []Failpoint{
	{Name: "dockerd is killed", Hold: 3 * time.Second, HoldShort: time.Second, Inject: killEngine(false)},
	{Name: "dockerd is killed, with live-restore", Hold: 3 * time.Second, HoldShort: time.Second, Inject: killEngine(true)},
	{Name: "dockerd is stopped by SIGSTOP", Hold: 30 * time.Second, HoldShort: 5 * time.Second, Inject: suspendEngine},
	{Name: "the socket accepts and hangs", Hold: 20 * time.Second, HoldShort: 4 * time.Second, Inject: hang},
	{Name: "the stream breaks off in mid-event", Hold: 5 * time.Second, HoldShort: 2 * time.Second, Inject: breakOff},
	{Name: "the stream lags until Docker drops events", Explains: true, Hold: 5 * time.Second, HoldShort: time.Second, Inject: lag},
	{Name: "events are lost", Explains: true, Hold: 10 * time.Second, HoldShort: 3 * time.Second, Inject: lose},
	{Name: "events come twice and out of order", Hold: 10 * time.Second, HoldShort: 3 * time.Second, Inject: disorder},
	{Name: "the engine's clock is an hour off", Hold: 10 * time.Second, HoldShort: 3 * time.Second, Inject: shiftClock},
	{Name: "another engine answers", Blind: true, Hold: 10 * time.Second, HoldShort: 3 * time.Second, Inject: swap},
	{Name: "the data directory is full", Explains: true, Hold: 10 * time.Second, HoldShort: 3 * time.Second, Inject: fill},
	{Name: "the server is killed", Hold: time.Second, HoldShort: 500 * time.Millisecond, Inject: killServer},
	// Their removal begins without an event and, beside all that restarts, takes seconds.
	{Name: "containers restart in a loop", Explains: true, Hold: 20 * time.Second, HoldShort: 4 * time.Second, Inject: crashLoop},
	{Name: "a start fails, of which no event tells", Explains: true, Hold: 3 * time.Second, HoldShort: time.Second, Inject: failStart},
}
