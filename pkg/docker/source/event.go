// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"strings"

	"github.com/docker/docker/api/types/events"
)

// Event holds the parts of one of Docker's events that the sources use. Attributes are not reliable, because a
// container's labels can override them. So they are only hints at one more subject to observe.
type Event struct {
	Type   events.Type
	Action events.Action
	Actor  struct {
		ID         string
		Attributes struct{ Name, Container string }
	}
	// TimeNano is the time of the event by the engine's clock, in nanoseconds since 1970.
	TimeNano int64
}

// Verb returns the action without its details, which Docker puts after a colon.
func (e *Event) Verb() events.Action {
	verb, _, _ := strings.Cut(string(e.Action), ":")
	return events.Action(verb)
}
