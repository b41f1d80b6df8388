// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/cli/globalflag"
	"k8s.io/component-base/logs"
	"k8s.io/component-base/term"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apiserver"
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server/state"
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/usage"
)

// shutdownTimeout is how long open connections may delay the end of the server after its last request. It takes a
// second to tell an HTTP/2 connection.
const shutdownTimeout = 1500 * time.Millisecond

// console is what the user reads. out says what the server serves, and err says what it waits for.
type console struct{ out, err io.Writer }

func newServeCommand() *cobra.Command {
	options := newOptions()
	command := &cobra.Command{
		Use:   "serve",
		Short: "Runs the server",
		Long: "Serves the containers, images, volumes and networks of a Docker Engine as Kubernetes resources of the group containers.rancherdesktop.io.\n\n" +
			"By default the server is standalone: it makes its own certificates and token, and writes a kubeconfig for kubectl. If its flags name " +
			"a control plane, it serves behind that control plane instead. The cluster then knows the users and decides what they may do.",
		Args:              usage.NoArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := options.complete(); err != nil {
				return err
			}
			if err := options.validate(); err != nil {
				return err
			}
			if err := setUpLogging(options.logging); err != nil {
				return err
			}
			return options.serve(command.Context(), console{command.OutOrStdout(), command.ErrOrStderr()})
		},
	}
	sets := options.flags()
	globalflag.AddGlobalFlags(sets.FlagSet("Global"), command.Name(), logs.SkipLoggingConfigurationFlags())
	for _, set := range sets.FlagSets {
		command.Flags().AddFlagSet(set)
	}
	columns, _, err := term.TerminalSize(command.OutOrStdout())
	if err != nil {
		columns = 0
	}
	cliflag.SetUsageAndHelpFunc(command, sets, columns)
	return command
}

// serve runs the server until ctx ends.
func (o *options) serve(ctx context.Context, console console) (err error) {
	dir, err := state.Open(o.stateDir)
	if err != nil {
		return err
	}
	defer func() { err = usage.Join(err, dir.Close()) }()
	leaveProcessors()
	if o.aggregated.Enabled() {
		return o.serveAggregated(ctx, dir, console)
	}
	return o.serveStandalone(ctx, dir, console)
}

// run runs the server until ctx ends, and the tasks beside it.
func run(ctx context.Context, server *apiserver.Server, tasks map[string]func(context.Context)) error {
	server.GenericAPIServer.ShutdownTimeout = shutdownTimeout
	server.StartEngine(ctx)
	go tuneMemory(ctx, server.Engine.Connected())
	for name, task := range tasks {
		server.GenericAPIServer.AddPostStartHookOrDie(name, func(hook genericapiserver.PostStartHookContext) error {
			go task(hook)
			return nil
		})
	}
	return server.GenericAPIServer.PrepareRun().RunWithContext(ctx)
}

// applyServing makes the server serve on the listener. It also makes a certificate for the server's requests to itself.
//
// SecureServingOptionsWithLoopback does the same with two RSA keys. Making those takes as long as everything else
// before the engine is read.
func (o *options) applyServing(config *genericapiserver.RecommendedConfig, listener net.Listener) error {
	o.serving.Listener = listener
	if err := o.serving.ApplyTo(&config.SecureServing); err != nil {
		return err
	}
	const name = genericapiserver.LoopbackClientServerNameOverride
	certificate, key, err := state.SelfSigned(name)
	if err != nil {
		return fmt.Errorf("making the certificate of the server's requests to itself: %w", err)
	}
	loopback, err := dynamiccertificates.NewStaticSNICertKeyContent("self-signed loopback", certificate, key, name)
	if err != nil {
		return fmt.Errorf("using the certificate of the server's requests to itself: %w", err)
	}
	config.SecureServing.SNICerts = append([]dynamiccertificates.SNICertKeyContentProvider{loopback}, config.SecureServing.SNICerts...)
	config.LoopbackClientConfig, err = config.SecureServing.NewLoopbackClientConfig(rand.Text(), certificate)
	return err
}

func listen(ctx context.Context, address net.IP, port int) (net.Listener, error) {
	hostPort := net.JoinHostPort(address.String(), strconv.Itoa(port))
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", hostPort)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is in use by another program: choose another --secure-port, or 0 for a free one", hostPort)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("%s is not an address of this machine: choose another --bind-address", address)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("no permission to listen on %s: choose a --secure-port above 1023", hostPort)
	}
	return listener, err
}

// serverURL returns the URL at which a client on this machine reaches the server.
func serverURL(address net.Addr) string {
	host, port, err := net.SplitHostPort(address.String())
	if err != nil {
		return "https://" + address.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "https://" + net.JoinHostPort(host, port)
}
