// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	genericapiserver "k8s.io/apiserver/pkg/server"
	certutil "k8s.io/client-go/util/cert"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/cli/globalflag"
	"k8s.io/component-base/term"
	"k8s.io/klog/v2"

	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server/standalone"
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server/state"
)

// shutdownTimeout is how long connections may hold up the end of the server once its requests have ended. An HTTP/2
// connection takes a second to be told.
const shutdownTimeout = 1500 * time.Millisecond

func newServeCommand() *cobra.Command {
	options := newOptions()
	command := &cobra.Command{
		Use:   "serve",
		Short: "Runs the server",
		Long: "Serves the containers, images and volumes of a Docker Engine as Kubernetes resources of the group containers.rancherdesktop.io.\n\n" +
			"The server stands alone: it makes its own certificates and token, and writes a kubeconfig for kubectl.",
		Args: noArguments,
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
			return options.serve(command.Context(), &announcer{out: command.OutOrStdout()})
		},
	}
	sets := options.flags()
	globalflag.AddGlobalFlags(sets.FlagSet("Global"), command.Name())
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
func (o *options) serve(ctx context.Context, announcer *announcer) (err error) {
	dir, err := state.Open(o.stateDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()

	if o.serving.Listener, err = listen(ctx, o.serving.BindAddress, o.serving.BindPort); err != nil {
		return err
	}
	client := standalone.Client{Namespace: o.namespace, Server: serverURL(o.serving.Listener.Addr())}
	renew, err := o.setUpCertificates(dir, &client)
	if err != nil {
		return err
	}
	if client.Token, err = standalone.Token(dir); err != nil {
		return err
	}
	config, err := o.config()
	if err != nil {
		return err
	}
	config.GenericConfig.Authentication.Authenticator = standalone.NewAuthenticator(client.Token)
	if config.GenericConfig.Authorization.Authorizer, err = standalone.NewAuthorizer(); err != nil {
		return err
	}
	server, err := config.Complete().New(genericapiserver.NewEmptyDelegate())
	if err != nil {
		return err
	}
	server.GenericAPIServer.ShutdownTimeout = shutdownTimeout
	server.GenericAPIServer.Handler.NonGoRestfulMux.HandlePrefix(standalone.NamespacesPath, http.HandlerFunc(standalone.ServeNamespace))

	kubeconfig := o.kubeconfig
	if kubeconfig == "" {
		kubeconfig = dir.Path(standalone.KubeconfigName)
	}
	if err := client.WriteKubeconfig(kubeconfig); err != nil {
		return err
	}
	announcer.server, announcer.kubeconfig, announcer.engine = client.Server, kubeconfig, server.Engine
	server.GenericAPIServer.AddPostStartHookOrDie("announce", func(hook genericapiserver.PostStartHookContext) error {
		go announcer.announce(hook)
		go renew(hook, func() error { return client.WriteKubeconfig(kubeconfig) })
		return nil
	})
	return server.GenericAPIServer.PrepareRun().RunWithContext(ctx)
}

// setUpCertificates has the server use a certificate that the client knows, and returns what keeps it from expiring.
func (o *options) setUpCertificates(dir *state.State, client *standalone.Client) (renew func(context.Context, func() error), err error) {
	cert := &o.serving.ServerCert.CertKey
	if cert.CertFile != "" {
		certificates, err := certutil.CertsFromFile(cert.CertFile)
		if err != nil {
			return nil, fmt.Errorf("reading --tls-cert-file: %w", err)
		}
		if client.CA, err = certutil.EncodeCertificates(certificates...); err != nil {
			return nil, fmt.Errorf("reading --tls-cert-file: %w", err)
		}
		return func(context.Context, func() error) {}, nil
	}
	certificates := dir.Certificates(certificateNames(o.serving.BindAddress)...)
	if client.CA, err = certificates.Ensure(); err != nil {
		return nil, fmt.Errorf("preparing the certificates: %w", err)
	}
	cert.CertFile, cert.KeyFile = certificates.ServingFile(), certificates.ServingFile()
	return func(ctx context.Context, write func() error) {
		certificates.Renew(ctx, client.CA, func(authority []byte) error {
			client.CA = authority
			return write()
		}, func(err error) {
			klog.FromContext(ctx).Error(err, "The certificates cannot be renewed")
		})
	}, nil
}

// certificateNames are what a server is called beside localhost.
func certificateNames(address net.IP) []string {
	if !address.IsUnspecified() {
		return []string{address.String()}
	}
	if hostname, err := os.Hostname(); err == nil {
		return []string{hostname}
	}
	return nil
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

// serverURL is where a client on this machine finds the server.
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
