// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package apiserver is the API server of a container engine, for a command to run or for another program to embed.
package apiserver

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	restclient "k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/livestore"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry/container"
	"github.com/rancher-sandbox/engine-apiserver/pkg/streaming"
)

const (
	// RequestTimeout ends requests other than watches and streams. The calls that they made to Docker go on.
	RequestTimeout = 34 * time.Second

	name = "engine-apiserver"

	// sessionsTimeout is how long a server that stops waits for the sessions of its clients.
	sessionsTimeout = 20 * time.Second
)

// Config configures a Server.
type Config struct {
	GenericConfig *genericapiserver.RecommendedConfig
	ExtraConfig   ExtraConfig
}

// ExtraConfig is the part of the Config that other API servers do not have.
type ExtraConfig struct {
	// Engine says which container engine is served, and in which Kubernetes namespace.
	Engine docker.Options
	// MaxSessions is how many sessions, such as those of exec, run at a time. The default is streaming.DefaultLimit.
	MaxSessions int
	// UseDockerConfig lets requests that bring no credentials for a registry use those in the docker configuration of the
	// server's user.
	UseDockerConfig bool
	// ReadyRequiresEngine makes the server ready only while the engine answers.
	ReadyRequiresEngine bool
	// AllowNamespaceDeletion allows that the deletion of the engine's Kubernetes Namespace deletes all that the engine
	// holds. If it is not set, the server asks the control plane of GenericConfig.ClientConfig about the Namespace
	// before it deletes a collection.
	AllowNamespaceDeletion bool
}

// CompletedConfig is a Config with its defaults set. Only Complete makes one.
type CompletedConfig struct{ *completedConfig }

type completedConfig struct {
	generic genericapiserver.CompletedConfig
	extra   ExtraConfig

	controlPlane *restclient.Config // nil for a standalone server
}

// Server is an API server and the engine that it serves.
type Server struct {
	GenericAPIServer *genericapiserver.GenericAPIServer
	Engine           *docker.Engine
	// Versions is the resourceVersion counter that all stores of the server share.
	Versions *livestore.Versions

	startEngine func(context.Context)
}

// StartEngine connects to the engine and reads its objects. A running server does that by itself. To call StartEngine
// before the server runs makes it ready sooner. The connection lasts until the server ends, not until ctx ends.
func (s *Server) StartEngine(ctx context.Context) { s.startEngine(ctx) }

// NewGenericConfig returns the generic part of a Config with this server's defaults.
func NewGenericConfig() *genericapiserver.RecommendedConfig {
	config := genericapiserver.NewRecommendedConfig(Codecs)
	config.RequestTimeout = RequestTimeout
	config.LongRunningFunc = isLongRunning
	config.BuildHandlerChainFunc = func(handler http.Handler, c *genericapiserver.Config) http.Handler {
		return withoutLocalCompression(buildHandlerChain(handler, c))
	}
	return config
}

// Complete sets the defaults of what is not set.
func (c *Config) Complete() CompletedConfig {
	SetOpenAPI(&c.GenericConfig.Config, nil)
	if c.GenericConfig.EffectiveVersion == nil {
		c.GenericConfig.EffectiveVersion = EffectiveVersion()
	}
	extra := c.ExtraConfig
	if extra.Engine.Namespace == "" {
		extra.Engine.Namespace = docker.DefaultNamespace
	}
	if extra.Engine.Access == "" {
		extra.Engine.Access = connection.Operate
	}
	ResolvePassthrough(&c.GenericConfig.Config, extra.Engine.Namespace)
	return CompletedConfig{&completedConfig{c.GenericConfig.Complete(), extra, c.GenericConfig.ClientConfig}}
}

// New returns a server that passes requests that it does not serve to delegate. It connects to the engine when it runs.
func (c CompletedConfig) New(delegate genericapiserver.DelegationTarget) (*Server, error) {
	engine, err := docker.NewEngine(c.extra.Engine)
	if err != nil {
		return nil, err
	}
	if err := c.applyAdmission(); err != nil {
		return nil, err
	}
	server, err := c.generic.New(name, delegate)
	if err != nil {
		return nil, fmt.Errorf("making the generic API server: %w", err)
	}

	stores := newStores(c.extra.Engine.Namespace)
	sessions := streaming.New(streaming.Config{Limit: c.extra.MaxSessions})
	finder, err := c.finder()
	if err != nil {
		return nil, err
	}
	storage, err := stores.restStorage(engine, c.extra.Engine.Access, container.Streams{Sessions: sessions, Rights: c.generic.Authorization.Authorizer}, finder)
	if err != nil {
		return nil, err
	}
	if err := installAPIGroup(server, storage); err != nil {
		return nil, err
	}
	serveOpenAPI(server, c.generic)
	servePassthrough(server, c.extra.Engine.Namespace, storage["containers/log"].(*container.Log))
	serveResourceMetrics(server, stores)
	if err := server.AddReadyzChecks(engineCheck{engine, c.extra.ReadyRequiresEngine}); err != nil {
		return nil, fmt.Errorf("adding the readiness check of the container engine: %w", err)
	}

	// The server calls the destroy functions last, and also if it never ran.
	var running sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	stop := func() {
		endSessions(sessions)
		stores.stopRequests()
		cancel()
	}
	server.RegisterDestroyFunc(func() {
		stop()
		running.Wait()
		stores.stop()
	})
	var once sync.Once
	start := func(caller context.Context) {
		once.Do(func() {
			ctx := klog.NewContext(ctx, klog.FromContext(caller))
			running.Go(func() { stores.keepCounted(ctx, engine.Engines().Recount) })
			running.Go(func() { stores.sampler.Run(ctx) })
			running.Go(func() {
				if err := engine.Run(ctx); err != nil {
					klog.FromContext(ctx).Error(err, "The connection to the container engine has ended")
				}
			})
		})
	}
	err = server.AddPostStartHook("run-container-engine", func(hook genericapiserver.PostStartHookContext) error {
		context.AfterFunc(hook, stop)
		start(hook)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("adding the hook that runs the container engine: %w", err)
	}
	return &Server{GenericAPIServer: server, Engine: engine, Versions: stores.versions, startEngine: start}, nil
}

// endSessions waits until all sessions have ended. Those that do not end are left to the end of the connection to the
// engine.
func endSessions(sessions *streaming.Sessions) {
	ctx, cancel := context.WithTimeout(context.Background(), sessionsTimeout)
	defer cancel()
	if err := sessions.Shutdown(ctx); err != nil {
		klog.Background().Error(err, "Sessions did not end")
	}
}

func installAPIGroup(server *genericapiserver.GenericAPIServer, storage map[string]rest.Storage) error {
	server.Handler.GoRestfulContainer.Filter(takeCredentials)
	group := genericapiserver.NewDefaultAPIGroupInfo(v1alpha1.GroupName, Scheme, parameterCodec, Codecs)
	group.NegotiatedSerializer = withoutProtobuf{group.NegotiatedSerializer}
	group.VersionedResourcesStorageMap[v1alpha1.SchemeGroupVersion.Version] = storage
	if err := server.InstallAPIGroup(&group); err != nil {
		return fmt.Errorf("installing the API group %s: %w", v1alpha1.GroupName, err)
	}
	return nil
}
