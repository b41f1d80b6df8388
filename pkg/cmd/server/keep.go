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

// keeper maintains an object of the control plane that says where a server is.
type keeper interface {
	// Run maintains it until ctx ends.
	Run(ctx context.Context)
	// Unregister takes it away. A server that starts later may bring it back.
	Unregister(ctx context.Context) error
}

// keepRegistered runs a keeper while the server runs. Before the server stops answering, it stops the keeper. It also unregisters the
// server if unregister is true. what names what is kept. If it cannot be taken away, the server logs the consequence.
func keepRegistered(server *genericapiserver.GenericAPIServer, what string, keeper keeper, unregister bool, consequence string) {
	running, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	server.AddPostStartHookOrDie("keep-"+what, func(hook genericapiserver.PostStartHookContext) error {
		ctx := klog.NewContext(running, klog.FromContext(hook))
		context.AfterFunc(hook, stop)
		go func() {
			defer close(ended)
			keeper.Run(ctx)
		}()
		return nil
	})
	// Do not return errors: they would cut off the requests that the server is still answering.
	server.AddPreShutdownHookOrDie("take-away-"+what, func() error {
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
			klog.ErrorS(err, consequence)
		}
		return nil
	})
}
