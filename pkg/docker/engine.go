// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/klog/v2"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/engines"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/images"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/networks"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/stats"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/transfers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/volumes"
)

const (
	// DefaultNamespace is the Kubernetes namespace of an engine's objects if Options name none.
	DefaultNamespace = "rancher-desktop"
	// DefaultResyncPeriod is how often every kind is compared with Docker if Options do not say.
	DefaultResyncPeriod = 5 * time.Minute
)

// Options say which engine to show and where.
type Options struct {
	// Host is the engine's address. If it is empty, the engine is the one that the docker command would use.
	Host string
	// Namespace is the Kubernetes namespace that the engine's objects are in.
	Namespace string
	// ResyncPeriod is how often every kind is compared with Docker.
	ResyncPeriod time.Duration
	// Access is how much of the engine the server may use. The default is connection.Operate.
	Access connection.Access
	// ShowEnvironment shows the values of environment variables to everyone who may see the containers.
	ShowEnvironment bool
}

// Engine is one Docker Engine. Its sources answer while Run runs and the engine is connected.
type Engine struct {
	endpoint     *connection.Endpoint
	client       *connection.Client
	resyncPeriod time.Duration
	pingPeriod   time.Duration
	pingTimeout  time.Duration
	fenceTimeout time.Duration
	backoff      wait.Backoff

	containers *containers.Source
	engines    *engines.Source
	kinds      []kind

	connectedOnce sync.Once
	connected     chan struct{}

	mu      sync.Mutex
	session *session // the one that serves the engine now, if there is one
	version connection.Version
}

// NewEngine finds the engine that the options mean. The engine need not answer.
func NewEngine(options Options) (*Engine, error) {
	endpoint, err := connection.Resolve(options.Host, cmp.Or(options.Access, connection.Operate))
	if err != nil {
		return nil, err
	}
	if err := endpoint.CheckAccess(context.Background()); err != nil {
		return nil, err
	}
	e := &Engine{
		endpoint:     endpoint,
		client:       connection.NewClient(endpoint),
		resyncPeriod: options.ResyncPeriod,
		pingPeriod:   5 * time.Second,
		pingTimeout:  10 * time.Second,
		fenceTimeout: 5 * time.Second,
		backoff:      wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.1, Steps: 10, Cap: 4500 * time.Millisecond},
		connected:    make(chan struct{}),
	}
	if e.resyncPeriod <= 0 {
		e.resyncPeriod = DefaultResyncPeriod
	}
	shared := source.Engine{Client: e.client, Namespace: cmp.Or(options.Namespace, DefaultNamespace), Events: e.Fence}
	e.containers = containers.New(shared)
	e.containers.ShowEnvironment = options.ShowEnvironment
	e.kinds = []kind{
		{engines.Kind{Resource: "containers", Condition: v1alpha1.EngineContainersSynced}, e.containers},
		{engines.Kind{Resource: "images", Condition: v1alpha1.EngineImagesSynced}, images.New(shared, func() bool { return e.engines.HasRead("images") })},
		{engines.Kind{Resource: "volumes", Condition: v1alpha1.EngineVolumesSynced}, volumes.New(shared)},
		{engines.Kind{Resource: "networks", Condition: v1alpha1.EngineNetworksSynced}, networks.New(shared)},
	}
	e.engines = engines.New(shared, endpoint, e.shownKinds(), e.Fenced)
	return e, nil
}

// Containers returns the source of the containers.
func (e *Engine) Containers() *containers.Source { return e.containers }

// Transfers pulls and pushes the images of the engine.
func (e *Engine) Transfers() *transfers.Engine { return transfers.New(e.client) }

// Stats tells what the engine's containers use.
func (e *Engine) Stats() stats.Engine { return stats.From(e.client) }

// Engines returns the source of the one object that shows the engine itself.
func (e *Engine) Engines() *engines.Source { return e.engines }

// Endpoint returns the engine's address as messages show it.
func (e *Engine) Endpoint() string { return e.endpoint.String() }

// Connected returns a channel that is closed after the engine has first answered and the server has tried to read each
// kind. A kind that cannot be read does not keep the channel open.
func (e *Engine) Connected() <-chan struct{} { return e.connected }

// Version returns what the engine last said about itself.
func (e *Engine) Version() connection.Version {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.version
}

// Check returns why the engine does not answer, or nil if it answers.
func (e *Engine) Check() error { return e.client.Check() }

// CheckRead returns why nothing has been read from the engine yet. It returns nil once a kind has been read since the
// engine connected, or the engine has refused all kinds.
func (e *Engine) CheckRead() error {
	if err := e.Check(); err != nil {
		return err
	}
	return e.engines.CheckRead()
}

// CheckSynced returns why the objects do not show all that the engine holds now. It returns nil if they do.
func (e *Engine) CheckSynced() error {
	if err := e.Check(); err != nil {
		return err
	}
	return e.engines.CheckSynced()
}

// Fenced reports whether live reads check the engine's event log first. Without an event log, objects are as fresh as
// the event stream and single inspections make them.
func (e *Engine) Fenced() bool {
	s := e.currentSession()
	return s != nil && s.fenced()
}

// Run keeps the engine connected until ctx ends.
func (e *Engine) Run(ctx context.Context) error {
	defer e.client.EndCalls()
	e.setUnavailable(e.Check())
	backoff := e.backoff
	for {
		read, err := e.serve(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if read {
			backoff = e.backoff
		}
		e.lose(ctx, err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(backoff.Step()):
		}
	}
}

// lose makes reads and writes fail until the engine is connected again.
func (e *Engine) lose(ctx context.Context, err error) {
	reason := e.engines.ReasonFor(err)
	if unfit := (*connection.NotApplicableError)(nil); errors.As(err, &unfit) {
		e.engines.Met(unfit.Version)
	}
	err = e.endpoint.Explain(err)
	if e.client.SetError(err) {
		klog.FromContext(ctx).Info("The container engine is not available", "reason", err.Error())
	}
	e.setUnavailable(err)
	e.engines.Lost(reason, err)
}

func (e *Engine) currentSession() *session {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.session
}

// use has all calls made in the session, until stop is called.
func (e *Engine) use(s *session) (stop func()) {
	e.mu.Lock()
	e.session, e.version = s, s.connection.Version()
	e.mu.Unlock()
	e.client.Use(s.connection)
	return func() {
		e.client.Drop()
		e.mu.Lock()
		e.session = nil
		e.mu.Unlock()
	}
}

// describeAs takes over what the engine has said about itself since it connected.
func (e *Engine) describeAs(version connection.Version) {
	e.mu.Lock()
	e.version = version
	e.mu.Unlock()
	e.engines.Met(version)
}
