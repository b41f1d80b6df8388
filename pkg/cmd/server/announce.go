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

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
)

// patience is how long the start line waits for the engine.
const patience = 2 * time.Second

// engine has what the announcer needs of a container engine.
type engine interface {
	Connected() <-chan struct{}
	CheckSynced() error
	Endpoint() string
	Version() connection.Version
}

// announcer tells the user where the server is and which engine it serves.
type announcer struct {
	out    io.Writer
	where  string // where the server is
	try    string // a command for the user to try
	engine engine
}

// announce writes a line when the server serves. If the engine answers only later, it writes a second line then.
func (a *announcer) announce(ctx context.Context) {
	patience := time.NewTimer(patience)
	defer patience.Stop()
	select {
	case <-a.engine.Connected():
		fmt.Fprintf(a.out, "engine-apiserver serves %s %s%s. Try: %s\n", a.name(), a.where, a.gap(), a.try)
		return
	case <-patience.C:
		fmt.Fprintf(a.out, "engine-apiserver serves %s, but %s: it keeps trying. Try: %s\n", a.where, a.reason(), a.try)
	case <-ctx.Done():
		return
	}
	select {
	case <-a.engine.Connected():
		fmt.Fprintf(a.out, "engine-apiserver now serves %s%s.\n", a.name(), a.gap())
	case <-ctx.Done():
	}
}

func (a *announcer) name() string {
	version := a.engine.Version()
	name := version.Product
	if version.Engine != "" {
		name += " " + version.Engine
	}
	return fmt.Sprintf("%s (%s)", name, a.engine.Endpoint())
}

// reason returns why the engine is not served yet.
func (a *announcer) reason() string {
	if err := a.engine.CheckSynced(); err != nil {
		return err.Error()
	}
	return "the container engine has not been read yet"
}

// gap returns which kinds of the engine cannot be read, as the end of a line. It returns "" if all kinds can be read.
func (a *announcer) gap() string {
	if err := a.engine.CheckSynced(); err != nil {
		return fmt.Sprintf(", but %s: it keeps trying", err)
	}
	return ""
}

// shellQuote quotes a path if a shell would not read it as one word.
func shellQuote(path string) string {
	if strings.ContainsAny(path, " \t'\"\\$&;()<>|*?`#~") {
		return strconv.Quote(path)
	}
	return path
}
