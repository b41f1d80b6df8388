// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregated_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/streamclient"
)

// policy is a ValidatingAdmissionPolicy with its binding. It decides by an expression over the changes that its rule matches, in
// the namespace of the engine.
const policy = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: %[1]s}
spec:
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: rancher-desktop}}
    resourceRules: [%[2]s]
  validations: [{expression: %[3]q, message: %[4]q}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: %[1]s}
spec: {policyName: %[1]s, validationActions: [Deny]}
`

const everyChange = `{apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*/*"]}`

// enforce applies a manifest of admissionregistration.k8s.io, and takes it back when the test ends. Both times it waits until the
// server follows the cluster. follows reports whether the server follows the manifest.
func enforce(t *testing.T, manifest string, follows func(ctx context.Context) bool) {
	t.Helper()
	k := kubectl.Any(t, cluster.Admin())
	k.Apply(t, manifest)
	t.Cleanup(func() {
		if _, stderr, err := k.TryWith(t, manifest, "delete", "-f", "-"); err != nil {
			t.Errorf("%v: %s", err, stderr)
		}
		ctx := context.WithoutCancel(t.Context())
		kubectl.Eventually(t, "the server notices that the manifest is gone", func() bool { return !follows(ctx) })
	})
	kubectl.Eventually(t, "the server follows the manifest", func() bool { return follows(t.Context()) })
}

// pauseSays returns a condition for enforce: a user who would pause the container gets to read the words.
func pauseSays(t *testing.T, name, words string) func(context.Context) bool {
	k := kubectl.Any(t, cluster.Admin())
	return func(ctx context.Context) bool {
		stdout, stderr, _ := kubectl.Capture(k.Command(ctx, "patch", "ctr", name, "-n", namespace, "--dry-run=server", "--type=merge",
			"-p", `{"spec":{"state":"paused"}}`, "-o", "yaml"))
		return strings.Contains(stdout+stderr, words)
	}
}

func TestAPolicyThatForbidsEveryChangeForbidsAllOfOurs(t *testing.T) {
	serve(t, "--engine-access=full")
	k := kubectl.Any(t, cluster.Admin())
	made := newThings(t)
	const reason = "nothing changes today"
	enforce(t, fmt.Sprintf(policy, "frozen", everyChange, "false", reason), pauseSays(t, made.container, reason))
	kubectl.Eventually(t, "the control plane follows the policy, too", func() bool {
		_, stderr, _ := kubectl.Capture(k.Command(t.Context(), "create", "configmap", "refused", "-n", namespace, "--dry-run=server"))
		return strings.Contains(stderr, reason)
	})
	made.areRefused(t, made.writes(k), reason)
	for _, read := range []string{"", "/log", "/top"} {
		k.OK(t, "get", "--raw", containers+made.container+read)
	}
}

func TestAPolicyReadsWhatAChangeIsAbout(t *testing.T) {
	serve(t, "--engine-access=full")
	k := kubectl.Any(t, cluster.Admin())
	name, _ := run(t, "web")
	const reason = "pausing and shells are not for us"
	rule := `{apiGroups: [containers.rancherdesktop.io], apiVersions: ["*"], operations: [UPDATE, CONNECT], resources: [containers, containers/exec]}`
	expression := `request.operation == "CONNECT" ? !object.command.exists(c, c == "sh") : object.spec.state != "paused" || oldObject.spec.state == "paused"`
	enforce(t, fmt.Sprintf(policy, "no-shells", rule, expression, reason), pauseSays(t, name, reason))
	for protocol := range streamclient.Executors {
		if _, err := execute(t.Context(), t, cluster.Admin(), protocol, name, "true"); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("a shell over %s: %v", protocol, err)
		}
		query := url.Values{"command": {"echo", "hello"}}
		if said, err := streamclient.Run(t.Context(), config(t, cluster.Admin()), protocol, containers+name+"/exec", query, nil); err != nil || said != "hello\n" {
			t.Errorf("another command over %s: %q, %v", protocol, said, err)
		}
	}
	k.OK(t, "patch", "ctr", name, "-n", namespace, "--type=merge", "-p", `{"spec":{"state":"created"}}`)
}

func TestAPolicyMayHaveParameters(t *testing.T) {
	serve(t)
	k := kubectl.Any(t, cluster.Admin())
	name, _ := run(t, "web")
	const reason = "the parameters forbid that"
	enforce(t, fmt.Sprintf(`
apiVersion: v1
kind: ConfigMap
metadata: {name: forbidden-states, namespace: rancher-desktop}
data: {state: paused}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: parameters}
spec:
  paramKind: {apiVersion: v1, kind: ConfigMap}
  matchConstraints: {resourceRules: [{apiGroups: [containers.rancherdesktop.io], apiVersions: ["*"], operations: [UPDATE], resources: [containers]}]}
  validations: [{expression: "object.spec.state != params.data.state", message: %q}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: parameters}
spec:
  policyName: parameters
  validationActions: [Deny]
  paramRef: {name: forbidden-states, namespace: rancher-desktop, parameterNotFoundAction: Deny}
`, reason), pauseSays(t, name, reason))
	k.OK(t, "patch", "ctr", name, "-n", namespace, "--type=merge", "-p", `{"spec":{"state":"created"}}`)
}

func TestWhatAMutatingPolicyChangesArrives(t *testing.T) {
	serve(t, "--engine-access=full")
	k := kubectl.Any(t, cluster.Admin())
	name, _ := run(t, "changed")
	const rule = `{apiGroups: [containers.rancherdesktop.io], apiVersions: ["*"], operations: [CREATE, UPDATE], resources: [%s]}`
	const policy = `
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: %[1]s}
spec:
  matchConstraints: {resourceRules: [%[2]s]}
  reinvocationPolicy: Never
  mutations: [%[3]s]
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: %[1]s}
spec: {policyName: %[1]s}
---
`
	enforce(t, fmt.Sprintf(policy, "stops", fmt.Sprintf(rule, "containers"), `{patchType: JSONPatch, jsonPatch: {expression: '[JSONPatch{op: "replace", path: "/spec/state", value: "created"}]'}}`)+
		fmt.Sprintf(policy, "keeps", fmt.Sprintf(rule, "imagepullrequests"), `{patchType: ApplyConfiguration, applyConfiguration: {expression: 'Object{spec: Object.spec{ttlSecondsAfterFinished: 777}}'}}`),
		pauseSays(t, name, "state: created"))
	k.OK(t, "patch", "ctr", name, "-n", namespace, "--type=merge", "-p", `{"spec":{"state":"paused"}}`)
	if found, err := docker.Client().ContainerInspect(t.Context(), name); err != nil || found.State.Status != "exited" {
		t.Errorf("the container is %+v, %v", found.State, err)
	}
	pull := engine.UniqueName("changed")
	k.Apply(t, fmt.Sprintf(`{"apiVersion":"containers.rancherdesktop.io/v1alpha1","kind":"ImagePullRequest","metadata":{"name":%q,"namespace":%q},"spec":{"repoTag":"busybox:latest","policy":"IfNotPresent"}}`, pull, namespace))
	kubectl.Contains(t, k.OK(t, "get", "pull", pull, "-n", namespace, "-o", "jsonpath={.spec.repoTag} {.spec.ttlSecondsAfterFinished}"), "busybox:latest 777")
}
