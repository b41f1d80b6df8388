// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package traffic changes what an engine holds: several writers, by turns through Docker and through the server, from a seed.
// What they do goes into a history, as operations on registers that readers can be judged by.
package traffic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/client"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	typed "github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned/typed/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/checkers"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

const (
	// callTimeout bounds one call. It is longer than any fault lasts.
	callTimeout = 3 * time.Minute
	// pause is how long a writer waits after a call that failed.
	pause = 100 * time.Millisecond
)

// Config is what traffic is made from.
type Config struct {
	Docker    *client.Client
	API       typed.ContainersV1alpha1Interface
	Namespace string
	// Prefix begins the names of all that is made.
	Prefix   string
	Recorder *history.Recorder
	Seed     uint64
	Writers  int
	// Names is how many names there are of each kind.
	Names int
	// Log takes a line of JSON for each operation.
	Log io.Writer
}

// Traffic is writers at work.
type Traffic struct {
	Config
	Containers, Volumes, Tags []*Slot
	sources                   []string

	cancel context.CancelFunc
	group  sync.WaitGroup

	logMu   sync.Mutex
	Made    atomic.Int64 // operations that were done
	Failed  atomic.Int64 // operations whose outcome is not known
	serial  atomic.Int64
	taintMu sync.Mutex
	tainted map[string]bool
}

// Slot is a name that things come and go under. Who writes to it holds its lock.
type Slot struct {
	sync.Mutex
	Name string
	id   atomic.Pointer[string]
}

// ID is what was made under the name last, as far as is known; "" for nothing.
func (s *Slot) ID() string {
	if id := s.id.Load(); id != nil {
		return *id
	}
	return ""
}

func (s *Slot) set(id string) { s.id.Store(&id) }

func slots(format string, n int) []*Slot {
	all := make([]*Slot, n)
	for i := range all {
		all[i] = &Slot{Name: fmt.Sprintf(format, i)}
	}
	return all
}

// Start lets the writers work until Stop.
func Start(config Config) (*Traffic, error) {
	ctx, cancel := context.WithCancel(context.Background())
	t := &Traffic{
		Config:     config,
		Containers: slots(config.Prefix+"-c%d", config.Names),
		Volumes:    slots(config.Prefix+"-v%d", config.Names),
		Tags:       slots(config.Prefix+"-i%d:latest", config.Names),
		cancel:     cancel,
		tainted:    map[string]bool{},
	}
	if err := t.makeSources(ctx); err != nil {
		cancel()
		return nil, err
	}
	for i := range config.Writers {
		w := &writer{Traffic: t, name: fmt.Sprintf("writer %d", i), random: rand.New(rand.NewPCG(config.Seed, uint64(i)))}
		t.group.Go(func() { w.run(ctx) })
	}
	return t, nil
}

// Stop ends the writers after what they are at. Nothing is changed any more when it returns, but what Docker was asked for
// and has not answered.
func (t *Traffic) Stop() {
	t.cancel()
	t.group.Wait()
}

// Untainted leaves out operations on registers of which not even the writers know what is in them: names that were tainted,
// and containers whose creation nobody has answered for, and whose ID only readers have seen.
func (t *Traffic) Untainted(operations []history.Operation) []history.Operation {
	t.taintMu.Lock()
	defer t.taintMu.Unlock()
	created := map[string]bool{}
	for _, o := range operations {
		if o.Action == checkers.Create {
			created[o.Register] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(operations), func(o history.Operation) bool {
		return t.tainted[o.Register] || o.Kind == checkers.ContainerStatus && !created[o.Register]
	})
}

func (t *Traffic) taint(register string) {
	t.taintMu.Lock()
	defer t.taintMu.Unlock()
	t.tainted[register] = true
}

func (t *Traffic) isTainted(register string) bool {
	t.taintMu.Lock()
	defer t.taintMu.Unlock()
	return t.tainted[register]
}

type writer struct {
	*Traffic
	name   string
	random *rand.Rand
}

// operation is one kind of what writers do. It returns what was done, "" if there was nothing to do it to.
type operation struct {
	weight int
	run    func(*writer, context.Context) (did string, err error)
}

func (w *writer) run(ctx context.Context) {
	operations := slices.Concat(containerOperations, volumeOperations, imageOperations)
	total := 0
	for _, o := range operations {
		total += o.weight
	}
	for ctx.Err() == nil {
		at := w.random.IntN(total)
		for _, o := range operations {
			if at -= o.weight; at < 0 {
				w.do(ctx, o)
				break
			}
		}
	}
}

func (w *writer) do(ctx context.Context, o operation) {
	call, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	began := w.Recorder.Now()
	did, err := o.run(w, call)
	if did == "" {
		return
	}
	w.log(began, did, err)
	if outcomeOf(err) != history.Unknown {
		w.Made.Add(1)
		return
	}
	w.Failed.Add(1)
	for ctx.Err() == nil { // until it makes sense to go on
		_, err := w.Docker.Ping(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func (w *writer) log(began time.Duration, did string, err error) {
	line := struct {
		At, Took           time.Duration
		Writer, Did, Error string `json:",omitempty"`
	}{At: began, Took: w.Recorder.Now() - began, Writer: w.name, Did: did}
	if err != nil {
		line.Error = err.Error()
	}
	content, err := json.Marshal(line)
	if err != nil {
		panic(err) // it is made of strings and numbers
	}
	w.logMu.Lock()
	defer w.logMu.Unlock()
	w.Log.Write(append(content, '\n'))
}

// refused is the outcome of an operation that certainly has had no effect.
const refused history.Outcome = "refused"

func outcomeOf(err error) history.Outcome {
	var status apierrors.APIStatus
	switch {
	case err == nil:
		return history.Done
	case errors.As(err, &status):
		if code := status.Status().Code; code >= http.StatusBadRequest && code < http.StatusInternalServerError && code != http.StatusTooManyRequests {
			return refused
		}
	case cerrdefs.IsConflict(err), cerrdefs.IsNotFound(err), cerrdefs.IsInvalidArgument(err):
		return refused
	}
	return history.Unknown
}

// step is an effect of an operation on a register.
type step struct {
	kind, register, action, value string
	// later is true for an effect that may come after the answer, or not at all, maybe for one that may not come at all.
	later, maybe bool
}

// record notes what an operation did that was called at began and has returned now.
func (w *writer) record(began time.Duration, err error, steps ...step) {
	outcome := outcomeOf(err)
	if outcome == refused {
		return
	}
	ended := w.Recorder.Now()
	for _, s := range steps {
		o := history.Operation{Client: w.name, Kind: s.kind, Register: s.register, Action: s.action, Value: s.value, Call: began, Return: ended, Outcome: outcome}
		switch {
		case s.later:
			o.Outcome = history.Unknown
		case s.maybe:
			o.Outcome = history.Maybe
		}
		w.Recorder.Operations(o)
	}
}

// isGone is true where what was to be removed is not there. It may be this very request that has removed it: a client tries
// again where the answer was that it should.
func isGone(err error) bool { return apierrors.IsNotFound(err) || cerrdefs.IsNotFound(err) }

// recordIfGone is record for an operation that may have had its effect though what it was for is not there any more.
func (w *writer) recordIfGone(began time.Duration, err error, steps ...step) {
	if !isGone(err) {
		w.record(began, err, steps...)
		return
	}
	for i := range steps {
		steps[i].maybe = true
	}
	w.record(began, nil, steps...)
}

// take locks a slot that has the property, nil if the first few that chance offers do not.
func (w *writer) take(from []*Slot, fit func(*Slot) bool) *Slot {
	for range 8 {
		s := from[w.random.IntN(len(from))]
		if !s.TryLock() {
			continue
		}
		if fit(s) {
			return s
		}
		s.Unlock()
	}
	return nil
}

func isFree(s *Slot) bool  { return s.ID() == "" }
func isTaken(s *Slot) bool { return s.ID() != "" }

// label is what selectors select by.
func (w *writer) label() map[string]string {
	return map[string]string{"team": string(rune('a' + w.random.IntN(3)))}
}
