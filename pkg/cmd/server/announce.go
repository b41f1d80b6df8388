// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker"
)

// patience is how long the start line waits for the engine.
const patience = 2 * time.Second

// engine is what the announcer must know of a container engine.
type engine interface {
	Connected() <-chan struct{}
	Check() error
	Endpoint() string
	Version() docker.Version
}

// announcer tells the user where the server is, and which engine it serves.
type announcer struct {
	out    io.Writer
	where  string // the server is
	try    string // the command to try
	engine engine
}

// announce writes a line when the server serves, and a second one when the engine answers only later.
func (a *announcer) announce(ctx context.Context) {
	patience := time.NewTimer(patience)
	defer patience.Stop()
	select {
	case <-a.engine.Connected():
		fmt.Fprintf(a.out, "engine-apiserver serves %s %s. Try: %s\n", a.name(), a.where, a.try)
		return
	case <-patience.C:
		fmt.Fprintf(a.out, "engine-apiserver serves %s, but %s: it keeps trying. Try: %s\n", a.where, a.reason(), a.try)
	case <-ctx.Done():
		return
	}
	select {
	case <-a.engine.Connected():
		fmt.Fprintf(a.out, "engine-apiserver now serves %s.\n", a.name())
	case <-ctx.Done():
	}
}

func (a *announcer) name() string {
	version := a.engine.Version()
	return fmt.Sprintf("%s %s (%s)", version.Product, version.Engine, a.engine.Endpoint())
}

func (a *announcer) reason() string {
	if err := a.engine.Check(); err != nil {
		return err.Error()
	}
	return "the container engine has not been read yet"
}

// shellQuote quotes a path where a shell would not take it as one word.
func shellQuote(path string) string {
	if strings.ContainsAny(path, " \t'\"\\$&;()<>|*?`#~") {
		return strconv.Quote(path)
	}
	return path
}
