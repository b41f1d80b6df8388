// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package traffic changes the objects of an engine. Several writers make random changes from a seed. They make some changes
// through Docker and some through the server. They record the changes as operations on registers, so that a checker can tell
// whether reads were correct.
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
	// callTimeout limits one operation. It is longer than any fault lasts.
	callTimeout = 3 * time.Minute
	// pause is how long a writer waits after a call that failed.
	pause = 100 * time.Millisecond
)

// Config configures Traffic.
type Config struct {
	Docker    *client.Client
	API       typed.ContainersV1alpha1Interface
	Namespace string
	// Prefix begins the names of all objects that the writers make.
	Prefix   string
	Recorder *history.Recorder
	Seed     uint64
	Writers  int
	// Names is the number of names of each kind.
	Names int
	// Log gets a line of JSON for each operation.
	Log io.Writer
}

// Traffic is a set of running writers.
type Traffic struct {
	Config
	Containers, Volumes, Networks, Tags []*Slot
	sources                             []string

	cancel context.CancelFunc
	group  sync.WaitGroup

	logMu   sync.Mutex
	Made    atomic.Int64 // operations whose outcome is known
	Failed  atomic.Int64 // operations whose outcome is not known
	serial  atomic.Int64
	taintMu sync.Mutex
	tainted map[string]bool

	unreportedMu sync.Mutex
	unreported   []*Slot
}

// Unreported returns the tags, made so far or being made, of images of which Docker raises no event.
func (t *Traffic) Unreported() []*Slot {
	t.unreportedMu.Lock()
	defer t.unreportedMu.Unlock()
	return slices.Clone(t.unreported)
}

func (t *Traffic) addUnreported(tag string) {
	t.unreportedMu.Lock()
	defer t.unreportedMu.Unlock()
	t.unreported = append(t.unreported, &Slot{Name: tag})
}

// Slot is a name under which writers create and remove objects. A writer holds the lock while it changes the slot.
type Slot struct {
	sync.Mutex
	Name string
	id   atomic.Pointer[string]
}

// ID returns the ID of the object that has the name, as far as the writers know. It is "" if no object has the name.
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

// Start starts writers, which run until Stop.
func Start(config Config) (*Traffic, error) {
	ctx, cancel := context.WithCancel(context.Background())
	t := &Traffic{
		Config:     config,
		Containers: slots(config.Prefix+"-c%d", config.Names),
		Volumes:    slots(config.Prefix+"-v%d", config.Names),
		Networks:   slots(config.Prefix+"-n%d", networks),
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

// Stop ends the writers after their current operations. When it returns, they change nothing any more. But Docker may still
// carry out a call that it has not answered.
func (t *Traffic) Stop() {
	t.cancel()
	t.group.Wait()
}

// Untainted leaves out the operations on registers whose content even the writers do not know. These are tainted names, and
// containers whose creation got no answer, so that only readers have seen their ID.
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

// operation is one kind of change that the writers make. run returns a description of the change. The description is "" if
// there was no object to change.
type operation struct {
	weight int
	run    func(*writer, context.Context) (did string, err error)
}

func (w *writer) run(ctx context.Context) {
	operations := slices.Concat(containerOperations, volumeOperations, networkOperations, imageOperations)
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
	for ctx.Err() == nil { // wait until the engine answers again
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
		panic(err) // cannot happen: line has only strings and numbers
	}
	w.logMu.Lock()
	defer w.logMu.Unlock()
	w.Log.Write(append(content, '\n'))
}

// refused is the outcome of an operation that certainly had no effect.
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
	case cerrdefs.IsConflict(err), cerrdefs.IsNotFound(err), cerrdefs.IsInvalidArgument(err), cerrdefs.IsPermissionDenied(err):
		return refused
	}
	return history.Unknown
}

// step is an effect of an operation on a register.
type step struct {
	kind, register, action, value string
	// later is true for an effect that may come before or after the answer, or never. maybe is true for an effect that comes
	// before the answer or never.
	later, maybe bool
}

// record records the effects of an operation that was called at began and has just returned.
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

// isGone reports whether the error says that the object does not exist. The operation may have removed the object itself,
// because the client repeats a request if the answer tells it to retry.
func isGone(err error) bool { return apierrors.IsNotFound(err) || cerrdefs.IsNotFound(err) }

// recordIfGone is like record, but for an operation that may have had its effect even if the error says that the object does
// not exist.
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

// take locks and returns a random slot for which fit is true. It returns nil if it finds none after a few tries.
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

// label returns a random label. Readers select objects by it.
func (w *writer) label() map[string]string {
	return map[string]string{"team": string(rune('a' + w.random.IntN(3)))}
}
