// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/klog/v2"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/plugin/refusals"
)

func newPortForwardCommand(p *plugin) *cobra.Command {
	var addresses []string
	command := &cobra.Command{
		Use:     "port-forward CONTAINER [LOCAL_PORT:]CONTAINER_PORT [...]",
		Short:   "Forward one or more local ports to a container",
		GroupID: groupInside,
		Example: `  # Forward the local port 8080 to the port 80 of a container
  kubectl engine port-forward web 8080:80

  # Forward a free local port to the port 80 of a container
  kubectl engine port-forward web :80`,
		Args: func(command *cobra.Command, arguments []string) error {
			if len(arguments) < 2 {
				return fmt.Errorf("%s needs the name or the ID of a container, and a port", command.CommandPath())
			}
			return checkPorts(arguments[1:])
		},
		ValidArgsFunction: p.completeFirst(isRunning),
		RunE: func(command *cobra.Command, arguments []string) error {
			return p.forward(command.Context(), arguments[0], arguments[1:], addresses)
		},
	}
	command.Flags().StringSliceVar(&addresses, "address", []string{"localhost"}, "Addresses to listen on, IP addresses or localhost")
	return command
}

// portPair matches a port of a container, or a local port and one of a container. The local port may be empty.
var portPair = regexp.MustCompile(`^(?:([0-9]*):)?([0-9]+)$`)

// checkPorts returns an error if something is no port. That of the library names the function that cannot read it.
func checkPorts(ports []string) error {
	for _, port := range ports {
		match := portPair.FindStringSubmatch(port)
		if match == nil || !isPort(cmp.Or(match[1], "0"), 0) || !isPort(match[2], 1) {
			return fmt.Errorf("%q is no port: write PORT, LOCAL_PORT:PORT or :PORT, with ports from 1 to 65535", port)
		}
	}
	return nil
}

func isPort(text string, least uint64) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port >= least
}

// forward forwards local ports until the user interrupts it or the connection to the server is lost.
func (p *plugin) forward(ctx context.Context, argument string, ports, addresses []string) error {
	client, found, err := p.container(ctx, argument)
	if err != nil {
		return err
	}
	const portForward subresource = "portforward"
	explaining, err := portForward.dialer(client, found.Name, &v1alpha1.ContainerPortForwardOptions{Explain: true})
	if err != nil {
		return err
	}
	silent, err := portForward.dialer(client, found.Name, nil)
	if err != nil {
		return err
	}
	dialer := portforward.NewFallbackDialerForStreaming(refusals.Dialer{Dialer: explaining, Tell: func(port, reason string) {
		fmt.Fprintf(p.ErrOut, "error: cannot connect to port %s of %s: %s\n", port, argument, explain(errors.New(reason)))
	}}, silent, cannotExplain)
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	ctx = klog.NewContext(ctx, logr.New(errorPrinter{p.ErrOut}))
	forwarder, err := portforward.NewOnAddressesForStreamingWithContext(ctx, dialer, addresses, ports, nil, p.Out, p.ErrOut)
	if err != nil {
		return fmt.Errorf("cannot forward ports: %w", err)
	}
	switch err := forwarder.ForwardPorts(); {
	case errors.Is(err, portforward.ErrLostConnectionToPod):
		return fmt.Errorf("the connection to %s is lost: the container, the engine or the server has ended", argument)
	case err != nil:
		return fmt.Errorf("cannot forward ports to %s: %w", argument, portForward.explain(client, err))
	}
	return nil
}

// cannotExplain reports whether the server is older than the option explain. It then names the option. SPDY loses the type of
// the error.
func cannotExplain(err error) bool {
	return strings.Contains(err.Error(), `there is no parameter "explain"`)
}

// dialer returns what dials the ports of a container. It speaks SPDY if something between here and the server knows no
// WebSockets.
func (s subresource) dialer(c *containers, name string, options runtime.Object) (httpstream.Dialer, error) {
	url := s.of(c.rest.Get(), c, name, options).URL()
	webSocket, err := portforward.NewSPDYOverWebsocketDialerForStreaming(url, c.config)
	if err != nil {
		return nil, err
	}
	transport, upgrader, err := spdy.RoundTripperFor(c.config)
	if err != nil {
		return nil, err
	}
	fallback := spdy.NewDialerForStreaming(upgrader, &http.Client{Transport: transport}, http.MethodPost, url)
	return portforward.NewFallbackDialerForStreaming(webSocket, fallback, cannotUpgrade), nil
}

// errorPrinter is a logr.LogSink. It prints the errors of single connections, which the library only logs.
type errorPrinter struct{ out io.Writer }

// Init implements logr.LogSink.
func (errorPrinter) Init(logr.RuntimeInfo) {}

// Enabled implements logr.LogSink.
func (errorPrinter) Enabled(int) bool { return false }

// Info implements logr.LogSink.
func (errorPrinter) Info(int, string, ...any) {}

// Error implements logr.LogSink.
func (e errorPrinter) Error(err error, message string, _ ...any) {
	fmt.Fprintf(e.out, "error: %s%s: %v\n", strings.ToLower(message[:1]), message[1:], err)
}

// WithValues implements logr.LogSink.
func (e errorPrinter) WithValues(...any) logr.LogSink { return e }

// WithName implements logr.LogSink.
func (e errorPrinter) WithName(string) logr.LogSink { return e }
