// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package checkers

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

// searchTime bounds the search for an order of one register's operations. A register that takes longer is not checked.
const searchTime = 30 * time.Second

// Kinds of registers.
const (
	// ContainerStatus is the status of the container with one ID.
	ContainerStatus = "container status"
	// Owner is the object behind a name: a container ID, a network ID, an image ID, or the fact that a volume exists.
	Owner = "owner"
)

// Actions on a ContainerStatus, besides history.Read.
const (
	Create  = "create"
	Start   = "start"
	Stop    = "stop"
	Restart = "restart"
	Pause   = "pause"
	Unpause = "unpause"
	Remove  = "remove"
	// Run, Halt and Suspend set spec.state to running, created and paused.
	Run     = "run"
	Halt    = "halt"
	Suspend = "suspend"
	// Die is the end of a container's process for any other reason.
	Die = "die"
)

// Set sets the value of an Owner.
const Set = "set"

// statuses maps each action and the status before it to the possible statuses after it. An action cannot succeed in a status
// that is missing here.
var statuses = map[string]map[string][]string{
	Create:  {history.Absent: {"created"}},
	Start:   {"created": {"running"}, "exited": {"running"}, "running": {"running"}},
	Stop:    {"running": {"exited"}, "paused": {"exited"}, "exited": {"exited"}, "created": {"created"}},
	Restart: {"created": {"running"}, "exited": {"running"}, "running": {"running"}, "paused": {"running"}},
	Pause:   {"running": {"paused"}},
	Unpause: {"paused": {"running"}},
	Remove:  {"created": {history.Absent}, "exited": {history.Absent}, "running": {history.Absent}, "paused": {history.Absent}, history.Absent: {history.Absent}},
	Run:     {"created": {"running"}, "exited": {"running"}, "running": {"running"}, "paused": {"running"}},
	Halt:    {"running": {"exited"}, "paused": {"exited"}, "exited": {"exited"}, "created": {"created"}},
	Suspend: {"running": {"paused"}, "paused": {"paused"}},
	Die:     {"running": {"exited"}, "paused": {"exited"}, "exited": {"exited"}, "created": {"created"}, history.Absent: {history.Absent}},
}

// unfinished are additional statuses that are possible after an action with an unknown outcome.
var unfinished = map[string][]string{
	Start: {"exited"}, Run: {"exited"}, Restart: {"exited"}, Remove: {"exited"},
}

// next returns the values that a register can have after an operation. There is none if the operation is impossible.
func next(value string, o history.Operation) []string {
	if o.Action == history.Read {
		if o.Value == value {
			return []string{value}
		}
		return nil
	}
	var values []string
	if o.Kind == Owner {
		values = []string{o.Value}
	} else {
		values = slices.Clone(statuses[o.Action][value])
	}
	if o.Outcome != history.Done {
		values = append(values, value)
		if o.Kind == ContainerStatus && value != history.Absent {
			values = append(values, unfinished[o.Action]...)
		}
	}
	slices.Sort(values)
	return slices.Compact(values)
}

var registers = (&porcupine.NondeterministicModel{
	Init: func() []any { return []any{history.Absent} },
	Step: func(state, input, _ any) []any {
		var states []any
		for _, value := range next(state.(string), input.(history.Operation)) {
			states = append(states, value)
		}
		return states
	},
	Equal:             func(a, b any) bool { return a == b },
	DescribeOperation: func(input, _ any) string { return describe(input.(history.Operation)) },
}).ToModel()

// Live finds registers that are not linearizable: no order of their reads and writes explains the values, if each operation
// takes effect at some moment between its call and its return.
func Live(h *history.History) Result {
	var r Result
	byRegister := map[string][]history.Operation{}
	for _, o := range h.Operations {
		key := o.Kind + " " + o.Register
		byRegister[key] = append(byRegister[key], o)
	}
	for _, register := range slices.Sorted(maps.Keys(byRegister)) {
		operations := byRegister[register]
		outcome := porcupine.CheckOperationsTimeout(registers, linear(operations), searchTime)
		if outcome == porcupine.Unknown {
			continue
		}
		for _, o := range operations {
			if o.Action == history.Read {
				r.checked()
			}
		}
		if outcome == porcupine.Illegal {
			r.violated("%s: no order explains\n%s", register, story(shortest(operations)))
		}
	}
	return r
}

func linear(operations []history.Operation) []porcupine.Operation {
	var all []porcupine.Operation
	for _, o := range operations {
		if o.Outcome == history.Unknown && o.Action == history.Read {
			continue
		}
		end := int64(o.Return)
		if o.Outcome == history.Unknown {
			end = math.MaxInt64
		}
		all = append(all, porcupine.Operation{Input: o, Call: int64(o.Call), Return: end})
	}
	return all
}

// shortest returns a short part of the operations that still cannot be ordered. It ends at the first operation that breaks the
// order, and leaves out reads that do not matter.
func shortest(operations []history.Operation) []history.Operation {
	operations = slices.Clone(operations)
	slices.SortStableFunc(operations, func(a, b history.Operation) int { return int(a.Return - b.Return) })
	illegal := func(o []history.Operation) bool {
		return porcupine.CheckOperationsTimeout(registers, linear(o), time.Second) == porcupine.Illegal
	}
	for i := range operations {
		if illegal(operations[:i+1]) {
			operations = operations[:i+1]
			break
		}
	}
	for i := len(operations) - 1; i >= 0; i-- {
		if operations[i].Action != history.Read {
			continue
		}
		if fewer := slices.Delete(slices.Clone(operations), i, i+1); illegal(fewer) {
			operations = fewer
		}
	}
	return operations
}

func story(operations []history.Operation) string {
	slices.SortStableFunc(operations, func(a, b history.Operation) int { return int(a.Call - b.Call) })
	var lines strings.Builder
	for _, o := range operations {
		fmt.Fprintf(&lines, "\t%s\n", describe(o))
	}
	return lines.String()
}

func describe(o history.Operation) string {
	return fmt.Sprintf("%v to %v: %s: %s %s (%s)", o.Call, o.Return, o.Client, o.Action, o.Value, o.Outcome)
}
