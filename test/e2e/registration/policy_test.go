// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registration_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/streamclient"
)

const restricted = "restricted-exec.containers.rancherdesktop.io"

func TestRegisterInstallsPoliciesForAServerWithFullAccessUnlessItIsToldNotTo(t *testing.T) {
	forgetLater(t, cluster.Admin())
	k := kubectl.Any(t, cluster.Admin())
	s := serve(t, cluster.Admin(), localhost, "--engine-access=full")
	args := []string{"register", "--kubeconfig", cluster.Admin(), "--state-dir", s.stateDir, "--address", "localhost:" + s.port, "--timeout", patience}
	if output := succeed(t, args...); strings.Contains(output, restricted) {
		t.Errorf("policies were not asked for:\n%s", output)
	}
	full := append(args, "--engine-access=full")
	kubectl.Contains(t, succeed(t, full...), "validatingadmissionpolicy.admissionregistration.k8s.io/"+restricted+" created",
		"validatingadmissionpolicybinding.admissionregistration.k8s.io/"+restricted+" created")
	kubectl.Contains(t, succeed(t, full...), "validatingadmissionpolicy.admissionregistration.k8s.io/"+restricted+" unchanged")
	succeed(t, args...)
	k.OK(t, "get", "validatingadmissionpolicy", restricted)

	config, err := clientcmd.BuildConfigFromFlags("", cluster.Admin())
	if err != nil {
		t.Fatal(err)
	}
	name := engine.UniqueName("web")
	docker.Run(t, name)
	path := "/apis/containers.rancherdesktop.io/v1alpha1/namespaces/" + engineNamespace + "/containers/" + name + "/exec"
	run := func(protocol, privileged string) (string, error) {
		return streamclient.Run(t.Context(), config, protocol, path, url.Values{"command": {"echo", "hello"}, "privileged": {privileged}}, nil)
	}
	for protocol := range streamclient.Executors {
		kubectl.Eventually(t, "a privileged command is refused", func() bool {
			_, err := run(protocol, "true")
			return err != nil && strings.Contains(err.Error(), "commands that have all capabilities are not allowed")
		})
		if said, err := run(protocol, "false"); err != nil || said != "hello\n" {
			t.Errorf("another command: %q, %v", said, err)
		}
	}

	create := func(name, spec string) (string, error) {
		manifest := fmt.Sprintf("apiVersion: containers.rancherdesktop.io/v1alpha1\nkind: Container\nmetadata: {name: %s}\nspec: {image: %q, command: [sleep, 1d]%s}\n",
			name, engine.Busybox, spec)
		_, stderr, err := k.TryWith(t, manifest, "create", "-n", engineNamespace, "-f", "-")
		return stderr, err
	}
	for spec, reason := range map[string]string{
		", gpus: {deviceIDs: [vendor.com/device=all], driver: cdi}":                      "cdi gives a container any device",
		", logging: {driver: syslog, options: {syslog-address: 'UNIX:///run/x.socket'}}": "sockets of the engine's host",
		", securityContext: {privileged: true}":                                          "privileged containers are root on the engine's host",
		", mounts: [{type: bind, source: /, target: /host}]":                             "paths of the engine's host are not allowed",
	} {
		refused := engine.UniqueName("refused")
		if said, err := create(refused, spec); err == nil || !strings.Contains(said, reason) {
			t.Errorf("a container with %s: %v, %s", spec, err, said)
		}
		if _, err := docker.Client().ContainerInspect(t.Context(), refused); err == nil {
			t.Errorf("there is a container with %s", spec)
		}
	}
	ordinary := engine.UniqueName("ordinary")
	if said, err := create(ordinary, ""); err != nil {
		t.Errorf("an ordinary container: %v, %s", err, said)
	}
	k.OK(t, "delete", "ctr", ordinary, "-n", engineNamespace, "--grace-period=0", "--force")

	kubectl.Contains(t, succeed(t, append(full, "--policy=none")...), "validatingadmissionpolicy.admissionregistration.k8s.io/"+restricted+" deleted")
	k.Fails(t, []string{"NotFound"}, "get", "validatingadmissionpolicybinding", restricted)
	succeed(t, full...)
	kubectl.Contains(t, forget(t, cluster.Admin()), "validatingadmissionpolicy.admissionregistration.k8s.io/"+restricted+" deleted")
}
