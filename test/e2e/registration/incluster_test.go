// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registration_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/tools/clientcmd"
	certutil "k8s.io/client-go/util/cert"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/kube-aggregator/pkg/apis/apiregistration/v1/helper"
	aggregator "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset"

	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server/state"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

const (
	serviceAccount = "engine-apiserver"
	serverName     = "engine-apiserver.engine-apiserver.svc"
)

// pod is a server that replaces the Deployment's pod, because the cluster of the tests has no nodes. It has the pod's arguments
// and the rights of its ServiceAccount. Its address, state directory and engine are on this machine.
type pod struct {
	server
	k          kubectl.Kubectl
	args       []string
	aggregator aggregator.Interface
}

// deploy applies the kustomization and starts the server.
func deploy(t *testing.T) *pod {
	t.Helper()
	k := kubectl.Any(t, cluster.Admin())
	manifest := k.OK(t, "kustomize", filepath.Join("..", "..", "..", "artifacts"))
	k.Apply(t, manifest)
	t.Cleanup(func() {
		if stdout, stderr, err := k.TryWith(t, manifest, "delete", "--ignore-not-found", "-f", "-"); err != nil {
			t.Errorf("kubectl delete: %v\n%s%s", err, stdout, stderr)
		}
	})
	p := &pod{server: server{host: localhost, port: testserver.FreePort(t, localhost), stateDir: t.TempDir()}, k: k, args: arguments(t, manifest)}
	config, err := clientcmd.BuildConfigFromFlags("", cluster.Admin())
	if err != nil {
		t.Fatal(err)
	}
	if p.aggregator, err = aggregator.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	// The cluster has no kube-proxy that leads from the Service to the server. An ExternalName Service leads to this machine.
	k.OK(t, "patch", "service", serviceAccount, "-n", serviceNamespace, "--type=merge", "-p",
		`{"spec":{"type":"ExternalName","externalName":"localhost","clusterIP":null,"clusterIPs":null,"ports":[{"name":"https","port":`+p.port+`}]}}`)
	k.OK(t, "patch", "apiservice", apiService, "--type=merge", "-p", `{"spec":{"service":{"port":`+p.port+`}}}`)
	p.start(t)
	return p
}

// start starts the server's process and waits until the cluster reaches it. A test may call start again after the process has
// ended.
func (p *pod) start(t *testing.T) {
	t.Helper()
	token := strings.TrimSpace(p.k.OK(t, "create", "token", serviceAccount, "-n", serviceNamespace))
	kubeconfig, err := cluster.TokenKubeconfig(serviceAccount, token)
	if err != nil {
		t.Fatal(err)
	}
	p.Process = testserver.StartProcess(t, slices.Concat(p.args, []string{"--kubeconfig", kubeconfig, "--docker-host", docker.Host(),
		"--bind-address", p.host, "--secure-port", p.port, "--state-dir", p.stateDir})...)
	p.Await(t, "engine-apiserver serves")
	p.awaitAvailable(t)
}

// awaitAvailable waits until the cluster trusts the server and reaches it.
func (p *pod) awaitAvailable(t *testing.T) {
	t.Helper()
	authority, err := state.Authority(p.stateDir)
	if err != nil {
		t.Fatal(err)
	}
	kubectl.Eventually(t, "the cluster trusts the server", func() bool {
		current, err := p.aggregator.ApiregistrationV1().APIServices().Get(t.Context(), apiService, metav1.GetOptions{})
		return err == nil && trusts(current.Spec.CABundle, authority)
	})
	p.k.OK(t, "wait", "--for=condition=Available", "apiservice/"+apiService, "--timeout="+patience)
	kubectl.Eventually(t, "the engine is shown", func() bool {
		stdout, _, err := p.k.Try(t, "get", "img", "-n", engineNamespace)
		return err == nil && strings.Contains(stdout, "busybox:latest")
	})
}

// arguments returns the arguments of the Deployment's container.
func arguments(t *testing.T, manifest string) []string {
	t.Helper()
	for decoder := utilyaml.NewYAMLOrJSONDecoder(strings.NewReader(manifest), 4096); ; {
		deployment := &appsv1.Deployment{}
		err := decoder.Decode(deployment)
		if errors.Is(err, io.EOF) {
			t.Fatal("the kustomization has no Deployment")
		}
		if err != nil {
			t.Fatal(err)
		}
		if deployment.Kind == "Deployment" {
			return deployment.Spec.Template.Spec.Containers[0].Args
		}
	}
}

func (p *pod) apiService(t *testing.T) *apiregistrationv1.APIService {
	t.Helper()
	current, err := p.aggregator.ApiregistrationV1().APIServices().Get(t.Context(), apiService, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return current
}

func (p *pod) bundle(t *testing.T) []byte { return p.apiService(t).Spec.CABundle }

// availableSince returns the time since which the cluster has reached the server without a break.
func (p *pod) availableSince(t *testing.T) metav1.Time {
	t.Helper()
	condition := helper.GetAPIServiceConditionByType(p.apiService(t), apiregistrationv1.Available)
	if condition == nil || condition.Status != apiregistrationv1.ConditionTrue {
		t.Fatalf("the cluster does not reach the server: %v", condition)
	}
	return condition.LastTransitionTime
}

// serves reports whether one of the authorities has signed the server's certificate.
func (p *pod) serves(authorities []byte) bool {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authorities)
	connection, err := tls.Dial("tcp", p.address(), &tls.Config{RootCAs: roots, ServerName: serverName})
	if err != nil {
		return false
	}
	return connection.Close() == nil
}

// trusts reports whether a bundle contains the certificate of an authority.
func trusts(bundle, authority []byte) bool {
	trusted, err := certutil.ParseCertsPEM(bundle)
	if err != nil {
		return false
	}
	wanted, err := certutil.ParseCertsPEM(authority)
	return err == nil && slices.ContainsFunc(trusted, wanted[0].Equal)
}

// replace overwrites a file of the state directory with the same file of the directory by.
func (p *pod) replace(t *testing.T, file, by string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(by, file))
	if err != nil {
		t.Fatal(err)
	}
	if err := state.Write(filepath.Join(p.stateDir, file), content); err != nil {
		t.Fatal(err)
	}
}

func TestTheKustomizationIsEnoughForAServerInTheCluster(t *testing.T) {
	p := deploy(t)
	for _, complaint := range []string{"waiting for", "because it lacks", "cannot be kept", "forbidden", "does not know it"} {
		if strings.Contains(p.Output(), complaint) {
			t.Errorf("the server lacks something:\n%s", p.Output())
		}
	}
	if current := p.apiService(t); current.Spec.InsecureSkipTLSVerify {
		t.Error("the cluster does not verify the server's certificate")
	}
	user := "system:serviceaccount:" + serviceNamespace + ":" + serviceAccount
	for _, denied := range [][]string{
		{"get", "secrets"}, {"list", "services"}, {"delete", "namespaces"}, {"list", "containers.containers.rancherdesktop.io"},
		{"delete", "apiservices.apiregistration.k8s.io/v1.apps"}, {"update", "clusterroles"},
	} {
		stdout, _, err := p.k.Try(t, slices.Concat([]string{"auth", "can-i", "--as", user, "-n", serviceNamespace}, denied)...)
		if err == nil || strings.TrimSpace(stdout) != "no" {
			t.Errorf("the server may %s: %s", strings.Join(denied, " "), stdout)
		}
	}
}

func TestTheClusterTrustsANewAuthorityBeforeTheServerUsesItAndReachesItAllTheTime(t *testing.T) {
	p := deploy(t)
	since, before := p.availableSince(t), p.bundle(t)
	other, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	authority, err := other.Certificates(serverName).Ensure()
	if err != nil {
		t.Fatal(err)
	}

	p.replace(t, "ca.pem", other.Path(""))
	kubectl.Eventually(t, "the new authority is trusted", func() bool { return trusts(p.bundle(t), authority) })
	if both := p.bundle(t); !trusts(both, before) || !p.serves(both) {
		t.Errorf("the cluster no longer trusts the authority that is still in use:\n%s", both)
	}
	p.replace(t, "serving.pem", other.Path(""))
	kubectl.Eventually(t, "the new certificate is served", func() bool { return p.serves(authority) })

	p.k.OK(t, "annotate", "apiservice", apiService, "test=look-again")
	p.awaitAvailable(t)
	if now := p.availableSince(t); !now.Equal(&since) {
		t.Errorf("the cluster did not reach the server at some time between %s and %s", since, now)
	}
}

func TestANewPodIsTrustedByTheAuthorityThatItMakes(t *testing.T) {
	p := deploy(t)
	before := p.bundle(t)
	p.Kill()
	p.stateDir = t.TempDir()
	p.start(t)
	if p.serves(before) {
		t.Error("the new pod serves a certificate of the former authority")
	}
}

func TestAPodThatEndsLeavesTheClusterWithoutTheGroupUntilTheNextOneStarts(t *testing.T) {
	p := deploy(t)
	p.Terminate(t)
	p.k.Fails(t, []string{"NotFound"}, "get", "apiservice", apiService)
	p.stateDir = t.TempDir()
	p.start(t)
	if service := p.apiService(t).Spec.Service; service.Name != serviceAccount || service.Namespace != serviceNamespace {
		t.Errorf("the APIService is back with the Service %v", service)
	}
	if strings.Contains(p.Output(), "does not know it") {
		t.Errorf("the server asks to be registered:\n%s", p.Output())
	}
}
