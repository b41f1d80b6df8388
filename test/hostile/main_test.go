// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package hostile sends the server requests that no honest client sends.
package hostile

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/test/dockerproxy"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

const (
	group     = "/apis/containers.rancherdesktop.io/v1alpha1"
	namespace = group + "/namespaces/" + testserver.Namespace
)

var (
	kinds = []string{"containers", "images", "volumes", "networks", "imagepullrequests", "imagepushrequests", "containernamespaces", "engines", "containermetrics"}

	eng    *engine.Engine
	shared fixture
	panics atomic.Int64
)

func TestMain(m *testing.M) {
	utilruntime.PanicHandlers = append(utilruntime.PanicHandlers, func(_ context.Context, r any) {
		if err, ok := r.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
			panics.Add(1)
		}
	})
	os.Exit(engine.Main(withServer{m}, &eng))
}

// withServer runs the tests with one server for all of them.
type withServer struct{ *testing.M }

func (m withServer) Run() int {
	dir, err := os.MkdirTemp("", "hostile-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := shared.start(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer shared.proxy.Close()
	code := m.M.Run()
	if err := shared.server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// fixture is a server and a proxy that records the requests to its engine. The tests must not harm its container, image,
// volume and network.
type fixture struct {
	proxy  *dockerproxy.Proxy
	server *testserver.Server
	config *rest.Config
	tls    *tls.Config
	kept   *connection // may be used for the next request; nil if there is none

	container, id, image, imageID, volume, network string
}

func (f *fixture) start(dir string) (err error) {
	f.container, f.volume, f.image = engine.UniqueName("victim"), engine.UniqueName("victim"), engine.UniqueName("victim")+":v1"
	ctx, docker := context.Background(), eng.Client()
	created, err := docker.ContainerCreate(ctx, engine.Config(), nil, nil, nil, f.container)
	if err != nil {
		return err
	}
	f.id = created.ID
	if err := docker.ContainerStart(ctx, f.id, container.StartOptions{}); err != nil {
		return err
	}
	if f.imageID, err = eng.MakeImage(ctx, f.image); err != nil {
		return err
	}
	if _, err := docker.VolumeCreate(ctx, volume.CreateOptions{Name: f.volume}); err != nil {
		return err
	}
	f.network = engine.UniqueName("prey")
	if _, err := docker.NetworkCreate(ctx, f.network, network.CreateOptions{}); err != nil {
		return err
	}
	if f.proxy, err = dockerproxy.Start(dir, eng.Host()); err != nil {
		return err
	}
	f.server, err = testserver.Run(dir, f.proxy.Host(), "--resync-period", "24h")
	return err
}

// start returns the server that most tests share. When the test ends, start's cleanup checks that nothing is harmed.
func start(t *testing.T) *fixture {
	t.Helper()
	f := shared
	f.use(t)
	return &f
}

// startAnother starts a server for one test.
func startAnother(t *testing.T) *fixture {
	t.Helper()
	dir, err := os.MkdirTemp("", "hostile-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	f := fixture{}
	if err := f.start(dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.server.Stop(); err != nil {
			t.Error(err)
		}
		f.proxy.Close()
	})
	f.use(t)
	return &f
}

func (f *fixture) use(t *testing.T) {
	t.Helper()
	f.config = f.server.Config(t)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(f.config.CAData)
	f.tls = &tls.Config{RootCAs: roots}
	for _, kind := range kinds { // so that the server reads the engine's past events now, and not during the test
		f.send(t, request{method: http.MethodGet, path: namespace + "/" + kind})
	}
	before := panics.Load()
	t.Cleanup(func() {
		f.checkVictims(t)
		if n := panics.Load() - before; n > 0 {
			t.Errorf("the server panicked %d times", n)
		}
	})
}

// checkVictims asks the engine whether the container, the image, the volume and the network are unchanged.
func (f *fixture) checkVictims(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	if got, err := eng.Client().ContainerInspect(ctx, f.container); err != nil {
		t.Error(err)
	} else if got.ID != f.id || got.State.Status != container.StateRunning {
		t.Errorf("container %s is %s and %s", f.container, got.ID, got.State.Status)
	}
	if got, err := eng.Client().ImageInspect(ctx, f.image); err != nil {
		t.Error(err)
	} else if got.ID != f.imageID {
		t.Errorf("image %s is %s", f.image, got.ID)
	}
	if _, err := eng.Client().VolumeInspect(ctx, f.volume); err != nil {
		t.Error(err)
	}
	if _, err := eng.Client().NetworkInspect(ctx, f.network, network.InspectOptions{}); err != nil {
		t.Error(err)
	}
}

// harmless matches the requests that the server may send to the engine for any read. These are pings, the event log, lists,
// descriptions of the engine, samples of the containers that run, and the inspection of one object. The name of a container or a volume must be one segment of the
// path. The name of an image may be several segments. A network is inspected only by its ID. A list of containers may ask for one
// of them by its ID.
var harmless = regexp.MustCompile(`^(GET|HEAD) (/v1\.\d+)?/(_ping|events\?[^ ]*|info|version|` +
	`containers/[^/?#]+/json|containers/[0-9a-f]{64}/stats\?one-shot=(true|1)&stream=(false|0)|containers/json\?all=1(&filters=%7B%22id%22%3A%7B%22[0-9a-f]{64}%22%3Atrue%7D%7D)?|` +
	`images/[a-z0-9][a-zA-Z0-9_.:/-]*/json|images/json(\?[^ ]*dangling[^ ]*)?|` +
	`volumes(/[^/?#]+)?|networks(/[a-z0-9]+)?)$`)

// dots matches the path segments "." and "..", also in their encoded forms. An engine might decode a path once more.
var dots = regexp.MustCompile(`(?i)/(\.|%2e){1,2}(/|%2f|$)`)

// checkAsked fails if the engine got a request that is not harmless.
func (f *fixture) checkAsked(t *testing.T) {
	t.Helper()
	for _, r := range f.proxy.Requests() {
		if !harmless.MatchString(r.String()) || dots.MatchString(r.URI) {
			t.Errorf("the engine was asked to %s", r)
		}
	}
}

// checkNotAsked fails if the engine got any request except pings, and the samples that go on for a minute after a read of metrics.
func (f *fixture) checkNotAsked(t *testing.T) {
	t.Helper()
	for _, r := range f.proxy.Requests() {
		if !strings.HasSuffix(r.URI, "/_ping") && !strings.Contains(r.URI, "/stats?") { // the server pings all the time
			t.Errorf("the engine was asked to %s", r)
		}
	}
}

// readOnly reports whether nothing of a kind can be changed.
func readOnly(kind string) bool {
	return kind == "containernamespaces" || kind == "engines" || kind == "containermetrics"
}
