// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package failpoints injects faults into an engine, a server, or the connection between them. It injects a fault into the real
// engine if that is possible, else into the proxy in front of it.
package failpoints

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/test/dockerproxy"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// recovery bounds all calls of one recovery together.
const recovery = 3 * time.Minute

// Target is the system into which faults are injected.
type Target struct {
	// Engine is the engine that the server shows. Other is another engine, which replaces it in the failpoint swap.
	Engine, Other *engine.Engine
	// Proxy is between the server and its engine.
	Proxy                   *dockerproxy.Proxy
	KillServer, StartServer func()
	Namespace               string
	// Prefix is the prefix of all names that the traffic uses.
	Prefix string
	Random *rand.Rand
	// Short makes faults smaller, for short runs.
	Short bool
}

// count returns whole, or short in a short run.
func (t *Target) count(whole, short int) int {
	if t.Short {
		return short
	}
	return whole
}

// Failpoint is one kind of fault.
type Failpoint struct {
	Name string
	// Explains is true if the fault can cause changes that no event reports. Differences that a comparison finds are then no fault
	// of the server.
	Explains bool
	// Blind is true if the server does not show Engine while the fault lasts.
	Blind bool
	// LosesLogs is true if the fault makes Docker lose or cut lines of logs, also of those that it has shown.
	LosesLogs bool
	// Hold is how long the fault lasts, HoldShort how long in a short run.
	Hold, HoldShort time.Duration
	// Inject starts the fault. The function that it returns ends the fault.
	Inject func(context.Context, *Target) (recover func() error, err error)
}

// All are all failpoints.
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
	{Name: "the data directory is full", Explains: true, LosesLogs: true, Hold: 10 * time.Second, HoldShort: 3 * time.Second, Inject: fill},
	{Name: "the server is killed", Hold: time.Second, HoldShort: 500 * time.Millisecond, Inject: killServer},
	// Docker raises no event when the removal of a container begins. Beside restarting containers a removal takes seconds.
	{Name: "containers restart in a loop", Explains: true, Hold: 20 * time.Second, HoldShort: 4 * time.Second, Inject: crashLoop},
	{Name: "a start fails without an event", Explains: true, Hold: 3 * time.Second, HoldShort: time.Second, Inject: failStart},
}
