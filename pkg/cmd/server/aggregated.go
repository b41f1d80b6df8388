// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/client-go/discovery"
	"k8s.io/klog/v2"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server/aggregated"
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server/registration"
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server/state"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
)

// serveAggregated serves behind a control plane, for the users of that control plane.
func (o *options) serveAggregated(ctx context.Context, dir *state.State, console console) error {
	// Report what is wrong on this machine before waiting for the control plane.
	controlPlane, err := o.aggregated.ControlPlane()
	if err != nil {
		return err
	}
	authority, own, err := o.setUpCertificates(dir, o.aggregated.Host())
	if err != nil {
		return err
	}
	config, err := o.config()
	if err != nil {
		return err
	}
	if err := checkListen(ctx, o.serving.BindAddress, o.serving.BindPort); err != nil {
		return err
	}

	generic := config.GenericConfig
	awaited, err := o.await(ctx, controlPlane, generic, console)
	if err != nil {
		if ctx.Err() != nil {
			return nil // the server was told to end
		}
		return err
	}
	// Listen only now. Calls from the control plane before that are refused at once. Otherwise they would wait for a
	// server that cannot answer yet.
	listener, err := listen(ctx, o.serving.BindAddress, o.serving.BindPort)
	if err != nil {
		return err
	}
	if err := o.applyServing(generic, listener); err != nil {
		return err
	}
	if awaited.clientCA != nil {
		generic.SecureServing.ClientCA = followedLater{awaited.clientCA}
	}
	if err := o.aggregated.ApplyTo(generic, *o.features, awaited.prioritize); err != nil {
		return err
	}
	if err := o.aggregated.ApplyAdmission(generic, awaited.admission); err != nil {
		return fmt.Errorf("preparing the admission of changes by the control plane: %w", err)
	}
	server, err := config.Complete().New(genericapiserver.NewEmptyDelegate())
	if err != nil {
		return err
	}
	keeper, err := o.newKeeper(controlPlane, generic, listener.Addr(), own)
	if err != nil {
		return err
	}
	keepRegistered(server.GenericAPIServer, "apiservice", keeper, o.aggregated.UnregisterOnExit,
		"The APIService is still in the cluster: while no server runs, discovery and namespace deletion fail in the whole cluster")
	desktops, err := o.newDesktopKeeper(controlPlane, server.GenericAPIServer, listener.Addr())
	if err != nil {
		return err
	}
	keepRegistered(server.GenericAPIServer, "desktop-entry", desktops, true, "Desktop programs still believe that this server runs")
	announcer := &announcer{
		out:    console.out,
		where:  fmt.Sprintf("at %s behind the control plane at %s", serverURL(listener.Addr()), controlPlane.URL()),
		try:    "kubectl get containers,images,volumes -n " + o.namespace,
		engine: server.Engine,
	}
	tasks := map[string]func(context.Context){"announce": func(ctx context.Context) {
		if !controlPlane.Registered(ctx, v1alpha1.SchemeGroupVersion, o.aggregated.ServiceNamespace, o.aggregated.ServiceName) {
			announcer.where += ", which does not know it yet"
			announcer.try = o.registerCommand(listener.Addr(), own != nil) + " && " + announcer.try
		}
		announcer.announce(ctx)
	}}
	if runner, ok := awaited.clientCA.(dynamiccertificates.ControllerRunner); ok {
		tasks["follow-client-authorities"] = func(ctx context.Context) { runner.Run(ctx, 1) }
	}
	if own != nil {
		tasks["renew-certificates"] = renew(own, authority, func([]byte) error { return nil })
	}
	return run(ctx, server, tasks)
}

// followedLater hides that the authorities can be reloaded. SecureServingInfo.Serve would start the reloading while it
// still writes the TLS configuration. A reload copies that configuration: a data race.
type followedLater struct {
	dynamiccertificates.CAContentProvider
}

// awaited is what a server has from a control plane that it can rely on.
type awaited struct {
	clientCA   dynamiccertificates.CAContentProvider // the authorities of the users' client certificates
	prioritize bool                                  // whether priority and fairness can be used
	admission  aggregated.Admission
}

// await waits until the server can rely on the control plane.
func (o *options) await(ctx context.Context, controlPlane *aggregated.ControlPlane, config *genericapiserver.RecommendedConfig, console console) (awaited, error) {
	var result awaited
	var lacking *aggregated.Pending
	check := func(ctx context.Context) (err error) {
		if err := controlPlane.Check(ctx); err != nil {
			return err
		}
		if o.aggregated.PriorityAndFairness {
			if lacking, err = controlPlane.CheckPriority(ctx); err != nil {
				return err
			}
		}
		if result.admission, err = controlPlane.CheckAdmission(ctx); err != nil {
			return err
		}
		if result.clientCA, err = o.aggregated.ApplyAuthentication(ctx, config); err != nil {
			return &aggregated.Pending{What: "the control plane at " + controlPlane.URL(), Why: err.Error(), Remedy: "it may still be starting"}
		}
		return nil
	}
	err := aggregated.Wait(ctx, check, func(pending *aggregated.Pending) {
		fmt.Fprintf(console.err, "engine-apiserver: waiting for %v\n", pending)
	})
	if err != nil {
		return awaited{}, err
	}
	if lacking != nil {
		fmt.Fprintf(console.err, "engine-apiserver: serving without priority and fairness, because it lacks %v\n", lacking)
	}
	if missing := result.admission.Missing; len(missing) > 0 {
		fmt.Fprintf(console.err, "engine-apiserver: the control plane at %s does not serve %s in %s: they do not apply to the engine\n",
			controlPlane.URL(), strings.Join(missing, ", "), aggregated.AdmissionVersion)
	}
	result.prioritize = o.aggregated.PriorityAndFairness && lacking == nil
	return result, nil
}

// newKeeper returns the keeper of the server's registration.
func (o *options) newKeeper(controlPlane *aggregated.ControlPlane, config *genericapiserver.RecommendedConfig, address net.Addr,
	own *state.Certificates) (*registration.Keeper, error) {
	loopback, err := discovery.NewDiscoveryClientForConfig(config.LoopbackClientConfig)
	if err != nil {
		return nil, fmt.Errorf("making a client of this server: %w", err)
	}
	options := registration.KeeperOptions{
		Service: registration.Service{
			Namespace: o.aggregated.ServiceNamespace, Name: o.aggregated.ServiceName, Port: int32(portOf(address)),
		},
		Check: func(ctx context.Context) error { return loopback.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error() },
		Report: func(err error) {
			klog.ErrorS(err, "The registration cannot be kept")
		},
	}
	if own != nil {
		options.Authority = own.Authority
	}
	keeper, err := registration.NewKeeper(controlPlane.Config, options)
	if err != nil {
		return nil, fmt.Errorf("making a client of the control plane at %s: %w", controlPlane.URL(), err)
	}
	return keeper, nil
}

// checkListen checks that the server can listen on an address, and frees the address again.
func checkListen(ctx context.Context, address net.IP, port int) error {
	listener, err := listen(ctx, address, port)
	if err != nil {
		return err
	}
	return listener.Close()
}

func portOf(address net.Addr) int {
	if tcp, ok := address.(*net.TCPAddr); ok {
		return tcp.Port
	}
	return defaultPort
}

// registerCommand returns the command that registers the server with its control plane.
func (o *options) registerCommand(address net.Addr, ownCertificates bool) string {
	kubeconfig := o.aggregated.Kubeconfig()
	if kubeconfig == "" {
		kubeconfig = "ADMIN-KUBECONFIG"
	} else {
		kubeconfig = shellQuote(kubeconfig)
	}
	host := "localhost"
	if address := o.serving.BindAddress; !address.IsLoopback() && !address.IsUnspecified() {
		host = address.String()
	}
	command := "engine-apiserver register --kubeconfig " + kubeconfig
	add := func(flag, value, byDefault string) {
		if value != byDefault {
			command += " --" + flag + " " + shellQuote(value)
		}
	}
	add("address", net.JoinHostPort(host, strconv.Itoa(portOf(address))), net.JoinHostPort("localhost", strconv.Itoa(defaultPort)))
	add("service-name", o.aggregated.ServiceName, aggregated.DefaultServiceName)
	add("service-namespace", o.aggregated.ServiceNamespace, aggregated.DefaultServiceNamespace)
	add("namespace", o.namespace, docker.DefaultNamespace)
	add("engine-access", string(o.engineAccess()), string(connection.Operate))
	if !ownCertificates {
		return command + " --ca-file AUTHORITY-OF-TLS-CERT-FILE"
	}
	if usual, err := state.DefaultDir(); err == nil {
		add("state-dir", o.stateDir, usual)
	}
	return command
}
