// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

// call is a call for a sample.
type call struct {
	id    string
	after time.Duration // since the test began
}

// bed is a sampler with an engine and containers that the test makes up. The containers use all the time of a processor, and the
// engine answers at once.
type bed struct {
	*Sampler
	source.Sink // for the methods that the sampler does not use
	began       time.Time

	mu         sync.Mutex
	running    []Container
	changed    chan struct{}
	unreadable error // why the containers cannot be read
	calls      []call
	underWay   int
	most       int
	answers    map[string]func(context.Context) (*Sample, error) // by ID, in place of the usual answer
	marked     []string
	waits      bool
}

// run runs a test with a sampler in a synctest bubble. The sampler ends with the test.
func run(t *testing.T, test func(*testing.T, *bed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bed{began: time.Now(), changed: make(chan struct{}), answers: map[string]func(context.Context) (*Sample, error){}}
		b.Sampler = New(b, b, clock.RealClock{})
		b.SetSink(b)
		ctx, cancel := context.WithCancel(t.Context())
		var sampling sync.WaitGroup
		sampling.Go(func() { b.Run(ctx) })
		test(t, b)
		cancel()
		sampling.Wait()
	})
}

// Ask implements Engine.
func (b *bed) Ask(ctx context.Context, id string, timeout time.Duration) (*Sample, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	b.mu.Lock()
	b.calls = append(b.calls, call{id, time.Since(b.began)})
	b.underWay++
	b.most = max(b.most, b.underWay)
	answer := b.answers[id]
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.underWay--
	}()
	if answer != nil {
		sample, err := answer(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = lateError(timeout)
		}
		return sample, err
	}
	return b.usual(), nil
}

// usual returns what the engine says about a container.
func (b *bed) usual() *Sample {
	return &Sample{Read: time.Now(), CPU: new(uint64(time.Hour + time.Since(b.began))), Memory: new(uint64(1 << 20))}
}

// say has the engine answer for a container in another way.
func (b *bed) say(id string, answer func(context.Context) (*Sample, error)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answers[id] = answer
}

// Waits implements Engine.
func (b *bed) Waits() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.waits
}

// MarkDirty implements source.Sink.
func (b *bed) MarkDirty(subject string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.marked = append(b.marked, subject)
}

// Refresh implements Containers.
func (b *bed) Refresh(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.unreadable
}

// Running implements Containers.
func (b *bed) Running() []Container {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Container(nil), b.running...)
}

// Changed implements Containers.
func (b *bed) Changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// set sets the containers that run.
func (b *bed) set(running ...Container) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running = running
	close(b.changed)
	b.changed = make(chan struct{})
}

// made returns the calls since it was last called.
func (b *bed) made() []call {
	b.mu.Lock()
	defer b.mu.Unlock()
	made := b.calls
	b.calls = nil
	return made
}

// container returns a container that runs. It has the number in its name and its ID.
func container(number int) Container {
	return Container{ID: id(number), Namespace: "engine", Name: fmt.Sprintf("c%d", number), Started: metav1.NewTime(time.Unix(1, 0))}
}

func id(number int) string { return fmt.Sprintf("%012x%052d", number, 0) }

func some(count int) (all []Container) {
	for i := range count {
		all = append(all, container(i))
	}
	return all
}

// ready waits for samples, and returns how long that took.
func (b *bed) ready(t *testing.T) time.Duration {
	t.Helper()
	began := time.Now()
	if err := b.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return time.Since(began)
}

// shown returns the metrics of a container, or nil if it has none.
func (b *bed) shown(t *testing.T, number int) *v1alpha1.ContainerMetrics {
	t.Helper()
	objects, related, err := b.Observe(t.Context(), id(number))
	if err != nil || len(objects) > 1 || len(related) > 0 {
		t.Fatalf("%v, %v, %v", objects, related, err)
	}
	for key, object := range objects {
		m := object.(*v1alpha1.ContainerMetrics)
		if key != m.Namespace+"/"+m.Name {
			t.Errorf("%s is the key of %s", key, m.Name)
		}
		return m
	}
	return nil
}

// cpu returns the processor time that a container is shown to use, or "" if none is shown.
func (b *bed) cpu(t *testing.T, number int) string {
	t.Helper()
	if m := b.shown(t, number); m != nil && m.Usage.CPU != nil {
		return m.Usage.CPU.String()
	}
	return ""
}

// countShown returns how many containers have metrics.
func (b *bed) countShown(t *testing.T) int {
	t.Helper()
	subjects, err := b.Subjects(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return len(subjects)
}

// stuck is an engine that does not answer.
func stuck(ctx context.Context) (*Sample, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

var errRefused = errors.New("no stats here")
