// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package robustness

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/docker/docker/api/types/volume"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/clients"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

var full = flag.Bool("full", false, "run the load tests at full size")

// load is the size of a load test.
type load struct {
	// burst is the number of events that are made as fast as Docker can make them.
	burst int
	// watches is the number of watches that are open at once. silent of them never read. writers create containers
	// concurrently.
	watches, silent, writers, containers int
}

func loadOf() load {
	if *full {
		return load{burst: 1750, watches: 1000, silent: 100, writers: 50, containers: 2000}
	}
	return load{burst: 350, watches: 100, silent: 10, writers: 10, containers: 100}
}

const (
	// atRest, perWatch and perContainer bound the server's memory in bytes: at rest, and for each watch and container. They
	// allow for the race detector, with which the server takes several times as much.
	atRest, perWatch, perContainer = 400 << 20, 1 << 20, 64 << 10
	// unread is how many bytes a client buffers that nobody reads.
	unread = 16 << 10
	// spare is how many goroutines more than before a server at rest may have.
	spare = 20
)

// side calls do n times, atATime calls at once. The first error ends a worker and fails the test.
func side(t *testing.T, n, atATime int, do func(ctx context.Context, i int) error) {
	t.Helper()
	var group sync.WaitGroup
	var next atomic.Int64
	for range atATime {
		group.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				if err := do(t.Context(), int(i-1)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
}

func createContainer(prefix string) func(context.Context, int) error {
	return func(ctx context.Context, i int) error {
		_, err := eng.Client().ContainerCreate(ctx, engine.Config(), nil, nil, nil, fmt.Sprintf("%s-c%d", prefix, i))
		return err
	}
}

func TestABurstOfEventsLeavesNothingMissing(t *testing.T) {
	s := newSystem(t, eng)
	r := &round{system: s, number: 1_000_000, report: newReport()}
	prefix := fmt.Sprintf("r%d", r.number)
	t.Cleanup(func() { r.empty(context.WithoutCancel(t.Context())) })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	informers, err := clients.StartInformers(ctx, s.client(), testserver.Namespace)
	if err != nil {
		t.Fatal(err)
	}
	defer informers.Wait()
	defer cancel()

	source := eng.Image(t, prefix+"-source:latest")
	events, began := loadOf().burst, time.Now()
	var group sync.WaitGroup
	group.Go(func() { side(t, events/17, 4, createContainer(prefix)) })
	group.Go(func() {
		side(t, events*8/17, 4, func(ctx context.Context, i int) error {
			_, err := eng.Client().VolumeCreate(ctx, volume.CreateOptions{Name: fmt.Sprintf("%s-v%d", prefix, i)})
			return err
		})
	})
	group.Go(func() {
		side(t, events*8/17, 4, func(ctx context.Context, i int) error {
			return eng.Client().ImageTag(ctx, source, fmt.Sprintf("%s-i%d:latest", prefix, i))
		})
	})
	group.Wait()
	t.Logf("%d events in %v", events, time.Since(began))
	r.converge(t.Context(), []*clients.Informers{informers})
	for _, violation := range r.report.violations() {
		t.Error(violation)
	}
	t.Logf("the informers held everything %v after the first event", time.Since(began))
}

// openWatch opens a watch of containers from a version, on a connection of its own. The client's buffers are small, so that the
// server notices a client that does not read.
func (s *system) openWatch(ctx context.Context, version string, http2 bool) (*http.Response, error) {
	config, err := rest.TLSConfigFor(s.config)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: http2, HTTP2: &http.HTTP2Config{MaxReceiveBufferPerStream: unread},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			connection, err := (&net.Dialer{}).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return connection, connection.(*net.TCPConn).SetReadBuffer(unread)
		}}
	if !http2 {
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	context.AfterFunc(ctx, transport.CloseIdleConnections)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/apis/containers.rancherdesktop.io/v1alpha1/namespaces/%s/containers?watch=true&resourceVersion=%s",
		s.config.Host, testserver.Namespace, version), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+s.config.BearerToken)
	request.Header.Set("Accept", "application/json")
	response, err := transport.RoundTrip(request)
	if err == nil && response.StatusCode != http.StatusOK {
		response.Body.Close()
		err = fmt.Errorf("opening a watch: %s", response.Status)
	}
	return response, err
}

// readUntilAll reads a watch until it has shown n new objects whose names have the prefix.
func readUntilAll(response *http.Response, prefix string, n int) error {
	defer response.Body.Close()
	added, marker := map[string]bool{}, []byte(`"metadata":{"name":"`+prefix)
	for reader := bufio.NewReader(response.Body); len(added) < n; {
		line, err := reader.ReadBytes('\n')
		if err != nil {
			return fmt.Errorf("after %d of %d objects: %w", len(added), n, err)
		}
		_, rest, found := bytes.Cut(line, marker) // decoding the JSON would take more time than the server needs for all its work
		if !found || !bytes.HasPrefix(line, []byte(`{"type":"ADDED"`)) {
			continue
		}
		name, _, _ := bytes.Cut(rest, []byte(`"`))
		if added[string(name)] {
			return fmt.Errorf("%s%s was added twice", prefix, name)
		}
		added[string(name)] = true
	}
	return nil
}

func TestWatchersThatDoNotReadHoldUpNobody(t *testing.T) {
	s, size := newSystem(t, eng), loadOf()
	r := &round{system: s, number: 1_000_001, report: newReport()}
	prefix := fmt.Sprintf("r%d", r.number)
	t.Cleanup(func() { r.empty(context.WithoutCancel(t.Context())) })
	s.awaitServing(t.Context())
	list, err := s.clients.ContainersV1alpha1().Containers(testserver.Namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	memory := s.sampleMemory(t)
	before := s.figure(t, "go_goroutines")
	memory.note("at rest")

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var readers, silent sync.WaitGroup
	side(t, size.watches, 16, func(_ context.Context, i int) error {
		response, err := s.openWatch(ctx, list.ResourceVersion, i%2 == 0)
		if err != nil {
			return err
		}
		if i < size.silent { // keep the watch open to the end without reading
			silent.Go(func() {
				<-ctx.Done()
				response.Body.Close()
			})
			return nil
		}
		readers.Go(func() {
			if err := readUntilAll(response, prefix, size.containers); err != nil {
				t.Errorf("watcher %d: %v", i, err)
			}
		})
		return nil
	})
	if t.Failed() {
		t.FailNow()
	}
	t.Logf("%d watches are open, for %v more goroutines", size.watches, s.figure(t, "go_goroutines")-before)
	memory.note("all watches open")
	began := time.Now()
	side(t, size.containers, size.writers, createContainer(prefix))
	if t.Failed() {
		t.FailNow()
	}
	t.Logf("%d writers made %d containers in %v", size.writers, size.containers, time.Since(began))
	memory.note("all containers made")
	defer time.AfterFunc(patience, cancel).Stop()
	readers.Wait()
	t.Logf("%d watchers had seen all containers %v after the first; %d watchers read nothing", size.watches-size.silent, time.Since(began), size.silent)
	memory.note("all watchers have seen them")

	cancel()
	silent.Wait()
	s.awaitGoroutines(t, before+spare)
	memory.note("all watches closed")
	peak := memory.stop(t)
	if bound := float64(atRest + size.watches*perWatch + size.containers*perContainer); peak > bound {
		t.Errorf("the server took %.0f MB, at most %.0f MB are allowed", peak/(1<<20), bound/(1<<20))
	}
}

// figure returns the value of a metric that the server must have.
func (s *system) figure(t *testing.T, name string) float64 {
	t.Helper()
	value, err := s.metric(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if value == 0 {
		t.Fatalf("the server has no metric %s", name)
	}
	return value
}

// awaitGoroutines waits until the server has at most this many goroutines.
func (s *system) awaitGoroutines(t *testing.T, most float64) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		now := s.figure(t, "go_goroutines")
		if now <= most {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("the server still has %v goroutines, want at most %v", now, most)
			return
		}
		sleep(t.Context(), 100*time.Millisecond)
	}
}

// memory samples the resident memory of the server.
type memory struct {
	*system
	began  time.Time
	cancel context.CancelFunc
	ended  sync.WaitGroup

	mu   sync.Mutex
	peak float64
	log  []string
}

// sampleMemory measures each second until stop.
func (s *system) sampleMemory(t *testing.T) *memory {
	ctx, cancel := context.WithCancel(t.Context())
	m := &memory{system: s, began: time.Now(), cancel: cancel}
	m.ended.Go(func() {
		for tick := time.Tick(time.Second); ctx.Err() == nil; {
			m.measure(ctx, "")
			select {
			case <-tick:
			case <-ctx.Done():
			}
		}
	})
	return m
}

// note measures now and logs the value under a name.
func (m *memory) note(moment string) { m.measure(context.Background(), moment) }

func (m *memory) measure(ctx context.Context, moment string) {
	taken, err := m.metric(ctx, "process_resident_memory_bytes")
	if err != nil {
		return // the next sample shows memory that the server still holds
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.peak = max(m.peak, taken)
	if moment != "" {
		m.log = append(m.log, fmt.Sprintf("%6.1fs %5.0f MB  %s", time.Since(m.began).Seconds(), taken/(1<<20), moment))
	}
}

// stop ends the sampling and returns the peak in bytes.
func (m *memory) stop(t *testing.T) float64 {
	t.Helper()
	m.cancel()
	m.ended.Wait()
	t.Logf("resident memory of the server, at most %.0f MB:\n%s", m.peak/(1<<20), strings.Join(m.log, "\n"))
	if m.peak == 0 {
		t.Error("the server's memory could not be measured")
	}
	return m.peak
}
