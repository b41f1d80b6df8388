// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package history

import "time"

// Creation is one creation of an object through the API, from the request until its client has looked at the object.
type Creation struct {
	Client string `json:"client"`
	// Kind is "container", "volume" or "network".
	Kind  string        `json:"kind"`
	Name  string        `json:"name"`
	Began time.Duration `json:"began"`
	Ended time.Duration `json:"ended"`
	// Created is true if the server answered with 201.
	Created bool `json:"created"`
	// Refused is the server's error if it found fault with the object.
	Refused string `json:"refused,omitempty"`
	// Wrong are the fields that are not as they were asked for: in the answer, in Docker, and in a later read.
	Wrong []string `json:"wrong,omitempty"`
	// Missing is true if the object was not there after the answer.
	Missing bool `json:"missing,omitempty"`
}
