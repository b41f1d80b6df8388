// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package freeport finds ports for servers that tests start.
package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// The ports are below those that Linux gives to outgoing connections. Such a connection could take a port before the server
// listens on it, or while the server is down. The first ones are left to containers.
const (
	first = 22000
	last  = 31999
)

// On returns a TCP port at which nothing listens on the host.
func On(host string) (port int, err error) {
	for range 100 {
		port = first + rand.IntN(last-first+1)
		var listener net.Listener
		if listener, err = net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port))); err == nil {
			return port, listener.Close()
		}
	}
	return 0, fmt.Errorf("finding a free port: %w", err)
}
