// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"time"

	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/klog/v2"
)

// unregisterTimeout is how long the control plane may delay the end of the server.
const unregisterTimeout = 5 * time.Second

// keeper keeps a server registered with its control plane.
type keeper interface {
	// Run keeps the server registered until ctx ends.
	Run(ctx context.Context)
	// Unregister removes the registration. A server that starts later may register again.
	Unregister(ctx context.Context) error
}

// keepRegistered runs the keeper while the server runs. Before the server stops answering, it stops the keeper. It also
// unregisters the server if unregister is true.
func keepRegistered(server *genericapiserver.GenericAPIServer, keeper keeper, unregister bool) {
	running, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	server.AddPostStartHookOrDie("keep-registered", func(hook genericapiserver.PostStartHookContext) error {
		ctx := klog.NewContext(running, klog.FromContext(hook))
		context.AfterFunc(hook, stop)
		go func() {
			defer close(ended)
			keeper.Run(ctx)
		}()
		return nil
	})
	// Do not return errors: they would cut off the requests that the server is still answering.
	server.AddPreShutdownHookOrDie("unregister", func() error {
		ctx, cancel := context.WithTimeout(context.Background(), unregisterTimeout)
		defer cancel()
		stop()
		select {
		case <-ended:
		case <-ctx.Done():
		}
		if !unregister {
			return nil
		}
		if err := keeper.Unregister(ctx); err != nil {
			klog.ErrorS(err, "The APIService is still in the cluster: while no server runs, discovery and namespace deletion fail in the whole cluster")
		}
		return nil
	})
}
