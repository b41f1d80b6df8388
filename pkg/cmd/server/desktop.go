// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"net"
	"time"

	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server/aggregated"
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server/desktop"
)

// newDesktopKeeper returns the keeper of the server's entry for desktop programs.
func (o *options) newDesktopKeeper(controlPlane *aggregated.ControlPlane, server *genericapiserver.GenericAPIServer, address net.Addr) (*desktop.Keeper, error) {
	config := rest.CopyConfig(controlPlane.Config)
	config.Timeout = 0 // it would end watches; other requests are bounded by their context
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a client of the control plane at %s: %w", controlPlane.URL(), err)
	}
	port := &desktop.Port{Address: o.aggregated.PassthroughAddress, Server: server.Handler}
	started := time.Now()
	return &desktop.Keeper{
		Client: client,
		Close:  port.Close,
		Entry: func(ctx context.Context) (desktop.Entry, error) {
			plain := ""
			if port.Address != "" {
				opened, err := port.Open(ctx)
				if err != nil {
					return desktop.Entry{}, err
				}
				plain = "http://" + opened.String()
			}
			return desktop.NewEntry(serverURL(address), plain, started)
		},
	}, nil
}
