// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registration_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// fails runs the command and expects it to fail. The last line of the output must be an error that contains the words.
func fails(t *testing.T, words []string, args ...string) {
	t.Helper()
	output, err := try(args...)
	hasFailed(t, words, args, output, err)
}

// hasFailed is like fails, but for a command that has already run.
func hasFailed(t *testing.T, words, args []string, output string, err error) {
	t.Helper()
	if err == nil {
		t.Fatalf("%s does not fail:\n%s", strings.Join(args, " "), output)
	}
	_, message, found := strings.Cut(output, "engine-apiserver: error: ")
	if !found || strings.Count(message, "\n") != 1 {
		t.Errorf("%s does not end with one line of error:\n%s", strings.Join(args, " "), output)
	}
	kubectl.Contains(t, message, words...)
}

func TestRegisterSaysWhyTheControlPlaneDoesNotReachTheServer(t *testing.T) {
	forgetLater(t, cluster.Admin())
	s := serve(t, cluster.Admin(), localhost)
	other := serve(t, cluster.Admin(), localhost, "--service-name", "another")
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { plain.Close() })
	go answerPlainly(plain)
	_, kubernetes, _ := strings.Cut(cluster.URL(), "127.0.0.1:")

	for name, test := range map[string]struct {
		address, stateDir string
		words             []string
	}{
		"NothingListens":   {"localhost:" + testserver.FreePort(t, localhost), s.stateDir, []string{"nothing listens at localhost", "connection refused"}},
		"NoSuchName":       {"nowhere.invalid:" + s.port, s.stateDir, []string{"cannot resolve nowhere.invalid", "--address"}},
		"AnotherName":      {"localhost:" + other.port, other.stateDir, []string{"not for engine-apiserver.engine-apiserver.svc", "--service-name"}},
		"NoHTTPS":          {"localhost:" + plain.Addr().String()[len("127.0.0.1:"):], s.stateDir, []string{"does not speak HTTPS", "--address"}},
		"KubernetesItself": {"localhost:" + kubernetes, s.stateDir, []string{"is not for engine-apiserver.engine-apiserver.svc"}},
	} {
		t.Run(name, func(t *testing.T) {
			failsAtLast(t, test.words, "--state-dir", test.stateDir, "--address", test.address)
		})
	}
}

func TestRegisterSaysThatTheAuthorityIsAnotherOne(t *testing.T) {
	forgetLater(t, cluster.Admin())
	issuer := serve(t, cluster.Admin(), localhost)
	issuer.Terminate(t)
	// This server gets its certificate from flags. It does not know the authority, so it does not change the APIService.
	certificate := issuer.stateDir + "/serving.pem"
	s := serve(t, cluster.Admin(), localhost, "--tls-cert-file", certificate, "--tls-private-key-file", certificate)
	failsAtLast(t, []string{"signed by another authority", "--state-dir", "--ca-file"}, "--state-dir", t.TempDir(), "--address", "localhost:"+s.port)
	kubectl.Contains(t, succeed(t, "register", "--kubeconfig", cluster.Admin(), "--ca-file", issuer.stateDir+"/ca.pem", "--address", "localhost:"+s.port, "--timeout", patience),
		"is available")
}

// failsAtLast calls register until its output contains the words. At first, the control plane may still report an earlier
// failure.
func failsAtLast(t *testing.T, words []string, args ...string) {
	t.Helper()
	args = append([]string{"register", "--kubeconfig", cluster.Admin(), "--timeout", "3s"}, args...)
	var output string
	var err error
	kubectl.Eventually(t, "register says "+strings.Join(words, ", "), func() bool {
		output, err = try(args...)
		return err != nil && !slices.ContainsFunc(words, func(words string) bool { return !strings.Contains(output, words) })
	})
	hasFailed(t, append(words, apiService, "is not available"), args, output, err)
}

// answerPlainly answers every connection as an HTTP server without TLS does.
func answerPlainly(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		fmt.Fprint(connection, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		connection.Close()
	}
}

func TestRegisterWarnsOfAnEngineThatDoesNotAnswer(t *testing.T) {
	forgetLater(t, cluster.Admin())
	s := serve(t, cluster.Admin(), localhost, "--docker-host", "unix://"+t.TempDir()+"/none.sock")
	kubectl.Contains(t, succeed(t, "register", "--kubeconfig", cluster.Admin(), "--state-dir", s.stateDir, "--address", "localhost:"+s.port, "--timeout", patience),
		"is available", "warning: the server is available, but its container engine is not (ConnectFailed)", "none.sock")
}

func TestRegisterTakesNothingAway(t *testing.T) {
	k := kubectl.Any(t, cluster.Admin())
	register := []string{"register", "--kubeconfig", cluster.Admin(), "--state-dir", t.TempDir(), "--timeout", "1s"}

	t.Run("AnotherServersAPIService", func(t *testing.T) {
		k.Apply(t, `
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: `+apiService+`}
spec: {group: containers.rancherdesktop.io, version: v1alpha1, groupPriorityMinimum: 100, versionPriority: 1, service: {namespace: others, name: another}}`)
		fails(t, []string{apiService, "others/another", "kubectl delete apiservice " + apiService}, register...)
		kubectl.Contains(t, forget(t, cluster.Admin()), apiService+" left")
		k.OK(t, "delete", "apiservice", apiService)
	})
	t.Run("AnotherService", func(t *testing.T) {
		k.OK(t, "create", "service", "externalname", "engine-apiserver", "-n", "default", "--external-name=localhost")
		fails(t, []string{"default/engine-apiserver", "was not made for this server", "--service-name"}, append(register, "--service-namespace", "default")...)
		k.OK(t, "delete", "service", "engine-apiserver", "-n", "default")
	})
	t.Run("CustomResources", func(t *testing.T) {
		const crd = "containers.containers.rancherdesktop.io"
		manifest := `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ` + crd + `}
spec:
  group: containers.rancherdesktop.io
  names: {kind: Container, plural: containers}
  scope: Namespaced
  versions: [{name: v1alpha1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]`
		k.Apply(t, manifest)
		k.OK(t, "wait", "--for=condition=Established", "crd/"+crd, "--timeout=60s")
		fails(t, []string{"CustomResourceDefinitions " + crd, "kubectl delete customresourcedefinitions " + crd}, register...)
		k.OK(t, "delete", "crd", crd)
		kubectl.Eventually(t, "the cluster has no such group", func() bool {
			_, _, err := k.Try(t, "get", "--raw", "/apis/containers.rancherdesktop.io/v1alpha1")
			return err != nil
		})
	})
	t.Run("NoRights", func(t *testing.T) {
		alice, err := cluster.Kubeconfig("alice")
		if err != nil {
			t.Fatal(err)
		}
		fails(t, []string{`User "alice" cannot get resource "apiservices"`, "cluster administrator"}, "register", "--kubeconfig", alice, "--state-dir", t.TempDir())
		k.OK(t, "create", "clusterrole", "reader", "--verb=get,list", "--resource=apiservices.apiregistration.k8s.io,services")
		k.OK(t, "create", "clusterrolebinding", "reader", "--clusterrole=reader", "--user=alice")
		fails(t, []string{`user "alice"`, "may not", "create namespaces", "patch clusterroles.rbac.authorization.k8s.io", "cluster administrator"},
			"register", "--kubeconfig", alice, "--state-dir", t.TempDir())
		k.OK(t, "delete", "clusterrole/reader", "clusterrolebinding/reader")
	})
	for _, namespace := range []string{serviceNamespace, engineNamespace} {
		k.Fails(t, []string{"NotFound"}, "get", "namespace", namespace)
	}
}
