// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registration_test

import (
	"strings"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// olderRules are the server's rights by a registration that knew nothing of policies and webhooks.
const olderRules = `{"rules":[
	{"apiGroups":["apiregistration.k8s.io"],"resources":["apiservices","apiservices/status"],"verbs":["*"]},
	{"apiGroups":["flowcontrol.apiserver.k8s.io"],"resources":["*"],"verbs":["get","list","watch"]},
	{"apiGroups":[""],"resources":["namespaces"],"verbs":["get"]}]}`

const frozen = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: frozen}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [containers.rancherdesktop.io], apiVersions: ["*"], operations: ["*"], resources: ["*"]}]}
  validations: [{expression: "false", message: nothing changes today}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: frozen}
spec: {policyName: frozen, validationActions: [Deny]}
`

func TestAServerWithTheRightsOfAnOlderRegistrationSaysWhatToRunAgain(t *testing.T) {
	forgetLater(t, cluster.Admin())
	user, err := cluster.Kubeconfig("docker-host")
	if err != nil {
		t.Fatal(err)
	}
	k, port, stateDir := kubectl.Any(t, cluster.Admin()), testserver.FreePort(t, localhost), t.TempDir()
	serving := []string{"serve", "--aggregated", "--kubeconfig", user, "--docker-host", docker.Host(), "--secure-port", port, "--state-dir", stateDir}
	registering := []string{"register", "--kubeconfig", cluster.Admin(), "--server-user", "docker-host", "--state-dir", stateDir,
		"--address", "localhost:" + port, "--timeout", patience}
	s := testserver.StartProcess(t, serving...)
	succeed(t, registering...)
	s.Terminate(t)

	k.OK(t, "patch", "clusterrole", "engine-apiserver", "--type=merge", "-p", olderRules)
	s = testserver.StartProcess(t, serving...)
	s.Await(t, "validatingadmissionpolicies.admissionregistration.k8s.io")
	kubectl.Contains(t, s.Output(), "waiting for rights", `user "docker-host" may not`, "list/watch namespaces", "get services",
		"grant it with engine-apiserver register --kubeconfig ADMIN-KUBECONFIG --server-user docker-host")
	if strings.Contains(s.Output(), "engine-apiserver serves") {
		t.Errorf("the server serves without knowing what the cluster forbids:\n%s", s.Output())
	}
	succeed(t, registering...)
	s.Await(t, "engine-apiserver serves")

	k.Apply(t, frozen)
	t.Cleanup(func() {
		kubectl.Any(t, cluster.Admin()).OK(t, "delete", "validatingadmissionpolicy,validatingadmissionpolicybinding", "frozen")
	})
	kubectl.Eventually(t, "the policies of the cluster hold for a server with those rights", func() bool {
		_, stderr, _ := k.Try(t, "delete", "img", "busybox:latest", "-n", engineNamespace, "--dry-run=server")
		return strings.Contains(stderr, "nothing changes today")
	})
	s.Terminate(t)
	if output := s.Output(); strings.Contains(output, "forbidden") {
		t.Errorf("the server lacks rights that it needs:\n%s", output)
	}
}
