// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package connection

import "slices"

// Access is how much of an engine a server may use.
type Access string

const (
	// View allows only requests that change nothing.
	View Access = "view"
	// Operate also allows requests that start, stop, pause, restart, signal and delete.
	Operate Access = "operate"
	// Full allows all requests on the list.
	Full Access = "full"
)

// Accesses lists all values of Access. Each one includes those before it.
var Accesses = []Access{View, Operate, Full}

// Includes reports whether a server with this access may do what needs the other.
func (a Access) Includes(other Access) bool {
	return slices.Index(Accesses, other) >= 0 && slices.Index(Accesses, a) >= slices.Index(Accesses, other)
}
