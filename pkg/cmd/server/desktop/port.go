// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package desktop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"k8s.io/klog/v2"
)

const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 90 * time.Second
)

// Port is a port without TLS, for control planes that forward requests by plain HTTP.
type Port struct {
	// Address is the address to listen on.
	Address string
	// Server is the server whose logs and health the port shows.
	Server http.Handler

	server *http.Server
	served chan struct{} // closed when nothing listens any more
	bound  net.Addr
}

// Open opens the port, and returns where it listens. It does nothing if the port is open.
func (p *Port) Open(ctx context.Context) (net.Addr, error) {
	if p.server != nil {
		return p.bound, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", p.Address)
	if err != nil {
		return nil, fmt.Errorf("opening the port for desktop programs: %w: choose another --passthrough-bind-address", err)
	}
	// Requests end with this context, also those that have become WebSockets.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p.bound, p.served = listener.Addr(), make(chan struct{})
	p.server = &http.Server{
		Handler:           anonymous{p.Server},
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          klog.NewStandardLogger("INFO"),
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	p.server.RegisterOnShutdown(cancel)
	go func() {
		defer close(p.served)
		defer cancel()
		if err := p.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			klog.FromContext(ctx).Error(err, "The port for desktop programs is closed")
		}
	}()
	return p.bound, nil
}

// Close closes the port, and ends its requests. It waits for them until ctx ends.
func (p *Port) Close(ctx context.Context) {
	if p.server == nil {
		return
	}
	if p.server.Shutdown(ctx) != nil {
		_ = p.server.Close()
	}
	<-p.served
}
