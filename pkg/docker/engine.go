// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/docker/docker/api/types/events"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/klog/v2"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

const (
	// DefaultNamespace is the Kubernetes namespace of an engine's objects if Options name none.
	DefaultNamespace = "rancher-desktop"
	// DefaultResyncPeriod is how often every kind is compared with Docker if Options do not say.
	DefaultResyncPeriod = 5 * time.Minute

	readTimeout = 10 * time.Second
	// listTimeout is longer than Docker waits for a volume plugin that does not answer. Docker then lists without that
	// plugin.
	listTimeout      = 2 * time.Minute
	operationTimeout = 15 * time.Minute
)

// Options say which engine to show and where.
type Options struct {
	// Host is the engine's address. If it is empty, the engine is the one that the docker command would use.
	Host string
	// Namespace is the Kubernetes namespace that the engine's objects are in.
	Namespace string
	// ResyncPeriod is how often every kind is compared with Docker.
	ResyncPeriod time.Duration
}

// Version is what the engine says about itself.
type Version struct {
	// Product is the kind of engine: Docker Engine or Podman Engine.
	Product string
	// Engine is the release of the engine, such as 28.5.2.
	Engine string
	// API is the version of the API that the server speaks with the engine, such as 1.51.
	API string
	// OS and Architecture are the platform of the engine, such as linux and amd64.
	OS, Architecture string
	// StorageDriver is the driver that keeps the engine's file systems, such as overlay2.
	StorageDriver string
}

// Engine is one Docker Engine. Its sources answer while Run runs and the engine is connected.
type Engine struct {
	endpoint     *endpoint
	namespace    string
	resyncPeriod time.Duration
	pingPeriod   time.Duration
	pingTimeout  time.Duration
	fenceTimeout time.Duration
	// inspectTimeout is how long Docker may take to inspect one object.
	inspectTimeout time.Duration
	backoff        wait.Backoff
	// removalTimeout is how long an observation waits for the removal of a stopped container to end. After that, the
	// container is shown while it is being removed.
	removalTimeout time.Duration

	containers *Containers
	images     *Images
	volumes    *Volumes
	engines    *Engines
	kinds      []kind

	connectedOnce sync.Once
	connected     chan struct{}

	// operations are the calls that spawn has started. They end with Run, and not with the requests that asked for
	// them.
	operations    sync.WaitGroup
	operationsCtx context.Context
	endOperations context.CancelFunc

	mu         sync.Mutex
	connection *connection
	err        error // why the engine does not answer
	version    Version
}

// NewEngine finds the engine that the options mean. The engine need not answer.
func NewEngine(options Options) (*Engine, error) {
	endpoint, err := resolve(options.Host)
	if err != nil {
		return nil, err
	}
	if err := endpoint.checkAccess(context.Background()); err != nil {
		return nil, err
	}
	e := &Engine{
		endpoint:       endpoint,
		namespace:      options.Namespace,
		resyncPeriod:   options.ResyncPeriod,
		pingPeriod:     5 * time.Second,
		pingTimeout:    10 * time.Second,
		fenceTimeout:   5 * time.Second,
		inspectTimeout: readTimeout,
		backoff:        wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.1, Steps: 10, Cap: 4500 * time.Millisecond},
		removalTimeout: 800 * time.Millisecond,
		connected:      make(chan struct{}),
		err:            fmt.Errorf("not yet connected to the container engine at %s", endpoint),
	}
	if e.namespace == "" {
		e.namespace = DefaultNamespace
	}
	if e.resyncPeriod <= 0 {
		e.resyncPeriod = DefaultResyncPeriod
	}
	e.operationsCtx, e.endOperations = context.WithCancel(context.Background())
	e.containers = newContainers(e)
	e.images = newImages(e)
	e.volumes = newVolumes(e)
	e.kinds = []kind{
		{containerResource, v1alpha1.EngineContainersSynced, events.ContainerEventType, &e.containers.sink, nil},
		{imageResource, v1alpha1.EngineImagesSynced, events.ImageEventType, &e.images.sink, nil},
		{volumeResource, v1alpha1.EngineVolumesSynced, events.VolumeEventType, &e.volumes.sink, e.volumes.lives.heard},
	}
	e.engines = newEngines(e)
	return e, nil
}

// Containers returns the source of the containers.
func (e *Engine) Containers() *Containers { return e.containers }

// Images returns the source of the images.
func (e *Engine) Images() *Images { return e.images }

// Volumes returns the source of the volumes.
func (e *Engine) Volumes() *Volumes { return e.volumes }

// Engines returns the source of the one object that shows the engine itself.
func (e *Engine) Engines() *Engines { return e.engines }

// Endpoint returns the engine's address as messages show it.
func (e *Engine) Endpoint() string { return e.endpoint.String() }

// Connected returns a channel that is closed after the engine has first answered and the server has tried to read each
// kind. A kind that cannot be read does not keep the channel open.
func (e *Engine) Connected() <-chan struct{} { return e.connected }

// Version returns what the engine last said about itself.
func (e *Engine) Version() Version {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.version
}

// Check returns why the engine does not answer, or nil if it answers.
func (e *Engine) Check() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}

// CheckRead returns why nothing has been read from the engine yet. It returns nil once a kind has been read since the
// engine connected, or the engine has refused all kinds.
func (e *Engine) CheckRead() error {
	if err := e.Check(); err != nil {
		return err
	}
	return e.engines.checkRead()
}

// CheckSynced returns why the objects do not show all that the engine holds now. It returns nil if they do.
func (e *Engine) CheckSynced() error {
	if err := e.Check(); err != nil {
		return err
	}
	return e.engines.checkSynced()
}

// Fenced reports whether live reads check the engine's event log first. Without an event log, objects are as fresh as
// the event stream and single inspections make them.
func (e *Engine) Fenced() bool {
	c, err := e.current()
	return err == nil && c.fenced()
}

// Run keeps the engine connected until ctx ends.
func (e *Engine) Run(ctx context.Context) error {
	defer e.endCalls()
	e.setUnavailable(e.Check())
	backoff := e.backoff
	for {
		read, err := e.session(ctx)
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
	reason := e.engines.reasonFor(err)
	if unfit := (*notApplicableError)(nil); errors.As(err, &unfit) {
		e.engines.met(unfit.version)
	}
	err = e.endpoint.explain(err)
	e.mu.Lock()
	known := e.err != nil && e.err.Error() == err.Error()
	e.err = err
	e.mu.Unlock()
	if !known {
		klog.FromContext(ctx).Info("The container engine is not available", "reason", err.Error())
	}
	e.setUnavailable(err)
	e.engines.lost(reason, err)
}

// current returns the connection. If there is none, it returns the API error that says why.
func (e *Engine) current() (*connection, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.connection == nil {
		return nil, unavailable(e.err.Error())
	}
	return e.connection, nil
}

// use makes c the connection for all calls. If c is nil, there is no connection.
func (e *Engine) use(c *connection) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.connection = c
	if c != nil {
		e.version, e.err = c.version, nil
		return
	}
	if e.err == nil {
		e.err = errors.New("the connection to the container engine was lost")
	}
}

// describeAs takes over what the engine has said about itself since it connected.
func (e *Engine) describeAs(version Version) {
	e.mu.Lock()
	e.version = version
	e.mu.Unlock()
	e.engines.met(version)
}

// read makes a call that changes nothing. The call ends with ctx, with the connection, or after the timeout.
func (e *Engine) read(ctx context.Context, timeout time.Duration, call func(context.Context, *connection) error) error {
	c, err := e.current()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	err = call(ctx, c)
	if err != nil && c.ctx.Err() != nil {
		return unavailable(e.endpoint.explain(context.Cause(c.ctx)).Error())
	}
	return e.orUnavailable(err)
}

// orUnavailable returns err. If the connection was lost, it returns an API error that explains that.
func (e *Engine) orUnavailable(err error) error {
	if isConnectionLost(err) {
		return connectionLost(e.endpoint.explain(err).Error(), err)
	}
	return err
}
