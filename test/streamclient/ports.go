// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package streamclient has what tests need to use the streams of containers through client-go.
package streamclient

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/streaming/pkg/httpstream"
)

// Dialers are the ways in which client-go forwards ports.
var Dialers = map[string]func(*rest.Config, *url.URL) (httpstream.Dialer, error){
	"SPDY": func(config *rest.Config, u *url.URL) (httpstream.Dialer, error) {
		transport, upgrader, err := spdy.RoundTripperFor(config)
		if err != nil {
			return nil, err
		}
		return spdy.NewDialerForStreaming(upgrader, &http.Client{Transport: transport}, http.MethodPost, u), nil
	},
	"WebSocket": func(config *rest.Config, u *url.URL) (httpstream.Dialer, error) {
		return portforward.NewSPDYOverWebsocketDialerForStreaming(u, config)
	},
}

// Connect opens a connection to a port in a session that forwards ports. Each connection of a session has another id.
func Connect(t *testing.T, session httpstream.Connection, port, id int) (data, errors httpstream.Stream) {
	t.Helper()
	headers := http.Header{}
	headers.Set(corev1.PortHeader, strconv.Itoa(port))
	headers.Set(corev1.PortForwardRequestIDHeader, strconv.Itoa(id))
	headers.Set(corev1.StreamType, corev1.StreamTypeError)
	errors, err := session.CreateStream(headers)
	must(t, err)
	headers.Set(corev1.StreamType, corev1.StreamTypeData)
	data, err = session.CreateStream(headers)
	must(t, err)
	return data, errors
}

// Forward forwards local ports to those of a container until the test ends, and returns the local addresses. path is the
// path of the container. The protocol is one of Dialers.
func Forward(t *testing.T, config *rest.Config, protocol, path string, ports ...int) ([]string, error) {
	t.Helper()
	addresses, stop, err := Open(config, protocol, path, ports...)
	if err == nil {
		t.Cleanup(stop)
	}
	return addresses, err
}

// Open is Forward until stop is called.
func Open(config *rest.Config, protocol, path string, ports ...int) (addresses []string, stop func(), err error) {
	u, err := url.Parse(config.Host + path + "/portforward")
	if err != nil {
		return nil, nil, err
	}
	dialer, err := Dialers[protocol](config, u)
	if err != nil {
		return nil, nil, err
	}
	var wanted []string
	for _, port := range ports {
		wanted = append(wanted, fmt.Sprintf("0:%d", port))
	}
	stopping, ready, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	forwarder, err := portforward.NewOnAddressesForStreaming(dialer, []string{"127.0.0.1"}, wanted, stopping, ready, io.Discard, io.Discard)
	if err != nil {
		return nil, nil, err
	}
	go func() { ended <- forwarder.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-ended:
		return nil, nil, err
	}
	stop = func() {
		close(stopping)
		<-ended
	}
	got, err := forwarder.GetPorts()
	if err != nil {
		stop()
		return nil, nil, err
	}
	for _, port := range got {
		addresses = append(addresses, fmt.Sprintf("127.0.0.1:%d", port.Local))
	}
	return addresses, stop, nil
}
