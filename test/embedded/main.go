// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Command embedded is an example: one process that is a Kubernetes control plane without nodes and also serves a container engine.
// README.md explains it.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/rest"
	cliflag "k8s.io/component-base/cli/flag"
	controlplane "k8s.io/kubernetes/pkg/controlplane/apiserver/options"
	sample "k8s.io/kubernetes/pkg/controlplane/apiserver/samples/generic/server"
	_ "k8s.io/kubernetes/pkg/features" // registers the feature gates of Kubernetes
)

func main() {
	if err := newCommand().ExecuteContext(genericapiserver.SetupSignalContext()); err != nil {
		fmt.Fprintln(os.Stderr, "embedded: error:", err)
		os.Exit(1)
	}
}

func newCommand() *cobra.Command {
	var sets cliflag.NamedFlagSets
	kubernetes := sample.NewOptions()
	kubernetes.AddFlags(&sets)
	engine := engineOptions{serve: true}
	engine.addFlags(sets.FlagSet("engine"))
	data := dataDir("embedded-data")
	sets.FlagSet("data").StringVar((*string)(&data), "data-dir", string(data), "Directory of etcd, keys and the administrator's kubeconfig.")

	command := &cobra.Command{
		Use:           "embedded",
		Short:         "A Kubernetes control plane that also serves a container engine",
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(command *cobra.Command, _ []string) error {
			rest.SetDefaultWarningHandler(rest.NoWarnings{}) // hides warnings about the server's requests to itself
			return run(command.Context(), kubernetes, engine, data)
		},
	}
	for _, set := range sets.FlagSets {
		command.Flags().AddFlagSet(set)
	}
	return command
}

// run serves until ctx ends.
func run(ctx context.Context, options *controlplane.Options, engine engineOptions, data dataDir) error {
	if err := data.setDefaults(options); err != nil {
		return err
	}
	if len(options.Etcd.StorageConfig.Transport.ServerList) == 0 {
		stop, endpoint, err := startEtcd(ctx, filepath.Join(string(data), "etcd"))
		if err != nil {
			return err
		}
		defer stop()
		options.Etcd.StorageConfig.Transport.ServerList = []string{endpoint}
	}
	completed, err := options.Complete(ctx, nil, nil)
	if err != nil {
		return err
	}
	if errs := completed.Validate(); len(errs) > 0 {
		return utilerrors.NewAggregate(errs)
	}
	server, err := newServer(completed, engine)
	if err != nil {
		return err
	}
	prepared, err := server.PrepareRun()
	if err != nil {
		return err
	}
	return prepared.Run(ctx)
}
