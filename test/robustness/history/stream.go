// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package history

// Stream is one stream of a container that a client had, from its beginning to its end.
type Stream struct {
	Client string `json:"client"`
	// Kind is the kind of the stream, such as "exec over SPDY".
	Kind      string   `json:"kind"`
	Container string   `json:"container"`
	Run       int      `json:"run"`
	Outputs   []Output `json:"outputs"`
	// Ended is true if the stream ended by itself and its client was told of no error. Else Reason says how it ended.
	Ended  bool   `json:"ended"`
	Reason string `json:"reason,omitempty"`
	// Partial is true if the stream may end before the process does. It then shows at least what was written before it
	// began.
	Partial bool `json:"partial,omitempty"`
	// ExitCode is the exit code that the client was told, WantedCode the one of the process.
	ExitCode   int `json:"exitCode"`
	WantedCode int `json:"wantedCode"`
}

// Output is one output of a stream.
type Output struct {
	// Written is what the process wrote, and Delivered what the client got.
	Written   string `json:"written"`
	Delivered string `json:"delivered"`
	// Before is how many bytes of Written a client had seen before the stream began.
	Before int `json:"before,omitempty"`
}
