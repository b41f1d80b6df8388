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
	// DefaultNamespace is the Kubernetes namespace of an engine's objects unless its Options say otherwise.
	DefaultNamespace = "rancher-desktop"
	// DefaultResyncPeriod is how often everything is compared with Docker unless Options say otherwise.
	DefaultResyncPeriod = 5 * time.Minute

	readTimeout = 10 * time.Second
	// listTimeout is longer than Docker waits for a volume plugin that does not answer. It lists without it then.
	listTimeout      = 2 * time.Minute
	operationTimeout = 15 * time.Minute
)

// Options say which engine to show, and where.
type Options struct {
	// Host is the engine's address. Where it is empty, the engine is the one that the docker command would use.
	Host string
	// Namespace is the Kubernetes namespace that the engine's objects are in.
	Namespace string
	// ResyncPeriod is how often everything is compared with Docker.
	ResyncPeriod time.Duration
}

// Version is what the engine says of itself.
type Version struct {
	// Product is what kind of engine it is: Docker Engine or Podman Engine.
	Product string
	// Engine is the release of the engine, such as 28.5.2.
	Engine string
	// API is the version of the API that is spoken with it, such as 1.51.
	API string
	// OS and Architecture are what it runs on, such as linux and amd64.
	OS, Architecture string
	// StorageDriver is what keeps its file systems, such as overlay2.
	StorageDriver string
}

// Engine is one Docker Engine. Its sources answer while Run runs and the engine answers.
type Engine struct {
	endpoint     *endpoint
	namespace    string
	resyncPeriod time.Duration
	pingPeriod   time.Duration
	pingTimeout  time.Duration
	fenceTimeout time.Duration
	backoff      wait.Backoff
	// removalTimeout is how long a removal may take before it is shown.
	removalTimeout time.Duration

	containers *Containers
	images     *Images
	volumes    *Volumes
	engines    *Engines
	kinds      []kind

	connectedOnce sync.Once
	connected     chan struct{}

	// operations live as long as Run, whatever becomes of the requests that asked for them.
	operations    sync.WaitGroup
	operationsCtx context.Context
	endOperations context.CancelFunc

	mu         sync.Mutex
	connection *connection
	err        error // why the engine does not answer
	version    Version
}

// NewEngine finds out which engine the options mean. It does not need the engine to answer.
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

// Containers is the source of the containers.
func (e *Engine) Containers() *Containers { return e.containers }

// Images is the source of the images.
func (e *Engine) Images() *Images { return e.images }

// Volumes is the source of the volumes.
func (e *Engine) Volumes() *Volumes { return e.volumes }

// Engines is the source of the one object that shows the engine itself.
func (e *Engine) Engines() *Engines { return e.engines }

// Endpoint is the engine's address for messages.
func (e *Engine) Endpoint() string { return e.endpoint.String() }

// Connected is closed when the engine has answered for the first time and each kind in it has been read, or could not be.
func (e *Engine) Connected() <-chan struct{} { return e.connected }

// wasRead reports whether everything in the engine has been read once.
func (e *Engine) wasRead() bool {
	select {
	case <-e.connected:
		return true
	default:
		return false
	}
}

// Version is what the engine said of itself when it last connected.
func (e *Engine) Version() Version {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.version
}

// Check says why the engine does not answer, or nil.
func (e *Engine) Check() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}

// CheckSynced says why not all that the engine holds is shown as it is now, or nil.
func (e *Engine) CheckSynced() error {
	if err := e.Check(); err != nil {
		return err
	}
	return e.engines.checkSynced()
}

// Fenced reports whether reads are guarded by the engine's event log. An engine without one is shown by its event
// stream and by inspection alone.
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

// lose makes reads and writes fail until the next connection.
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

// current returns the connection, or the API error that says why there is none.
func (e *Engine) current() (*connection, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.connection == nil {
		return nil, unavailable(e.err.Error())
	}
	return e.connection, nil
}

// use makes c the connection of all calls, nil none.
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

// describeAs takes in what the engine has said of itself meanwhile.
func (e *Engine) describeAs(version Version) {
	e.mu.Lock()
	e.version = version
	e.mu.Unlock()
	e.engines.met(version)
}

// read makes a call that changes nothing. It ends with ctx, with the connection, and after the timeout.
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

// orUnavailable returns the error, in our own words if it is that the connection was lost.
func (e *Engine) orUnavailable(err error) error {
	if isConnectionLost(err) {
		return unavailable(e.endpoint.explain(err).Error())
	}
	return err
}
