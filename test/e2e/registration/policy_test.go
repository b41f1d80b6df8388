// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registration_test

import (
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

	kubectl.Contains(t, succeed(t, append(full, "--policy=none")...), "validatingadmissionpolicy.admissionregistration.k8s.io/"+restricted+" deleted")
	k.Fails(t, []string{"NotFound"}, "get", "validatingadmissionpolicybinding", restricted)
	succeed(t, full...)
	kubectl.Contains(t, forget(t, cluster.Admin()), "validatingadmissionpolicy.admissionregistration.k8s.io/"+restricted+" deleted")
}
