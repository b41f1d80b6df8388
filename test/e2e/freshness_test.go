// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned"
	typed "github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned/typed/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// TestNoReadIsStale makes this number of changes to each kind.
const (
	containerChanges = 350
	imageChanges     = 850
	volumeChanges    = 800
	networkChanges   = 100
)

// objects maps the names of the objects of a kind to a value that reads show, such as a container's status.
type objects map[string]string

// writer changes objects of one kind through Docker's API. It knows what a read must show after each change.
type writer struct {
	t      *testing.T
	random *rand.Rand
	client typed.ContainersV1alpha1Interface
	prefix string
	serial int

	// change makes one change. It returns a description of the change, and the names of the objects that it changed. The
	// description is empty if there was nothing to change.
	change func(ctx context.Context) (what string, touched []string, err error)
	// want returns what Docker has after the change.
	want func(ctx context.Context) (objects, error)
	list func(ctx context.Context) (objects, error)
	get  func(ctx context.Context, name string) (string, error)
}

func (w *writer) name() string {
	w.serial++
	return fmt.Sprintf("%s-%d", w.prefix, w.serial)
}

func (w *writer) pick(from objects) string {
	if len(from) == 0 {
		return ""
	}
	names := slices.Sorted(maps.Keys(from))
	return names[w.random.IntN(len(names))]
}

// run makes the changes. Right after each of them, it gets the objects that were changed, or lists all objects.
func (w *writer) run(ctx context.Context, changes int) {
	for made := 0; made < changes && !w.t.Failed(); {
		what, touched, err := w.change(ctx)
		if err != nil {
			w.t.Errorf("change %d of %s: %s: %v", made, w.prefix, what, err)
			return
		}
		if what == "" {
			continue
		}
		made++
		got, gets := objects{}, len(touched) > 0 && w.random.IntN(2) == 0
		if gets {
			for _, name := range touched {
				if got[name], err = w.get(ctx, name); err != nil {
					w.t.Errorf("after %s: %v", what, err)
				}
			}
		} else if got, err = w.list(ctx); err != nil {
			w.t.Errorf("after %s: %v", what, err)
		}
		want, err := w.want(ctx)
		if err != nil {
			w.t.Errorf("after %s: asking Docker: %v", what, err)
			return
		}
		if gets {
			for _, name := range touched {
				if got[name] != want[name] {
					w.t.Errorf("stale get after %s: %s is %q, Docker has %q", what, name, got[name], want[name])
				}
			}
		} else if !maps.Equal(got, want) {
			w.t.Errorf("stale list after %s: got %v, Docker has %v", what, got, want)
		}
	}
}

func TestNoReadIsStale(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if set := os.Getenv("SEED"); set != "" {
		parsed, err := strconv.ParseUint(set, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = parsed
	}
	t.Logf("repeat with SEED=%d", seed)

	own := engine.StartFor(t)
	clientset, err := versioned.NewForConfig(testserver.Start(t, own.Host()).Config(t))
	if err != nil {
		t.Fatal(err)
	}
	newWriter := func(kind string, n uint64) *writer {
		return &writer{t: t, random: rand.New(rand.NewPCG(seed, n)), client: clientset.ContainersV1alpha1(), prefix: kind}
	}
	var group sync.WaitGroup
	group.Go(func() { containerWriter(newWriter("container", 1), own).run(t.Context(), containerChanges) })
	group.Go(func() { imageWriter(newWriter("image", 2), own).run(t.Context(), imageChanges) })
	group.Go(func() { volumeWriter(newWriter("volume", 3), own).run(t.Context(), volumeChanges) })
	group.Go(func() { networkWriter(newWriter("network", 4), own).run(t.Context(), networkChanges) })
	group.Wait()
}
