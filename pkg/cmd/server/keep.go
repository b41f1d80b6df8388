// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"time"

	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/klog/v2"
)

// unregisterTimeout is how long the control plane may hold up the end of the server.
const unregisterTimeout = 5 * time.Second

// keeper keeps a server registered with its control plane.
type keeper interface {
	// Run returns when ctx has ended.
	Run(ctx context.Context)
	// Unregister takes the registration away until a server starts again.
	Unregister(ctx context.Context) error
}

// keepRegistered has the keeper run while the server does. Before the server stops to answer the control plane is told.
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
	// An error here would cut the requests short that are still being answered.
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
			klog.ErrorS(err, "The APIService is left behind: while no server runs, discovery and namespace deletion fail in the whole cluster")
		}
		return nil
	})
}
