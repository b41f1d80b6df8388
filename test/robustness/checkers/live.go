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

// searchTime bounds the search for an order of one register's operations. One that takes longer counts as not checked.
const searchTime = 30 * time.Second

// Kinds of registers.
const (
	// ContainerStatus is the status behind a container ID.
	ContainerStatus = "container status"
	// Owner is what is behind a name: a container ID, an image ID, or that a volume is there.
	Owner = "owner"
)

// Actions on a ContainerStatus, beside history.Read.
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
	// Die is the end of what runs in a container for any other reason.
	Die = "die"
)

// Set gives an Owner a value.
const Set = "set"

// statuses are the values that a status can have after each action, by the one that it had; an action that was done cannot
// have been done to any other.
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

// unfinished are the values that a status can have, too, when the outcome of an action is not known.
var unfinished = map[string][]string{
	Start: {"exited"}, Run: {"exited"}, Restart: {"exited"}, Remove: {"exited"},
}

// next returns the values that a register can have after an operation.
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

// Live finds registers whose reads and writes cannot have happened one after another, each between its call and its return.
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

// shortest returns as few of the operations as cannot be ordered: up to the first that breaks the order, without the reads
// that do not matter.
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
