// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"

	genericapiserver "k8s.io/apiserver/pkg/server"

	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server/standalone"
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server/standalone/builtin"
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server/state"
)

// serveStandalone serves with the server's own token and kubeconfig.
func (o *options) serveStandalone(ctx context.Context, dir *state.State, console console) error {
	listener, err := listen(ctx, o.serving.BindAddress, o.serving.BindPort)
	if err != nil {
		return err
	}
	client := standalone.Client{Namespace: o.namespace, Server: serverURL(listener.Addr())}
	authority, own, err := o.setUpCertificates(dir)
	if err != nil {
		return err
	}
	client.CA = authority
	if client.Token, err = standalone.Token(dir); err != nil {
		return err
	}
	config, err := o.config()
	if err != nil {
		return err
	}
	generic := config.GenericConfig
	if err := o.applyServing(generic, listener); err != nil {
		return err
	}
	o.features.EnablePriorityAndFairness = false // its configuration would be in a cluster
	if err := o.features.ApplyTo(&generic.Config, nil, nil); err != nil {
		return err
	}
	generic.Authentication.Authenticator = standalone.NewAuthenticator(client.Token)
	access, err := standalone.NewAuthorizer()
	if err != nil {
		return err
	}
	generic.Authorization.Authorizer = access
	builtin.AddOpenAPI(&generic.Config)
	server, err := config.Complete().New(genericapiserver.NewEmptyDelegate())
	if err != nil {
		return err
	}
	if err := builtin.Install(server, o.namespace, access); err != nil {
		return err
	}

	kubeconfig := o.kubeconfig
	if kubeconfig == "" {
		kubeconfig = dir.Path(standalone.KubeconfigName)
	}
	if err := client.WriteKubeconfig(kubeconfig); err != nil {
		return err
	}
	announcer := &announcer{
		out:    console.out,
		where:  "at " + client.Server,
		try:    "kubectl --kubeconfig " + shellQuote(kubeconfig) + " get containers,images,volumes",
		engine: server.Engine,
	}
	tasks := map[string]func(context.Context){"announce": announcer.announce}
	if own != nil {
		tasks["renew-certificates"] = renew(own, authority, func(authority []byte) error {
			client.CA = authority
			return client.WriteKubeconfig(kubeconfig)
		})
	}
	return run(ctx, server, tasks)
}
