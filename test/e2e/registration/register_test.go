// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registration_test

import (
	"encoding/json"
	"net"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/rancher-sandbox/engine-apiserver/test/controlplane"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

const localhost = "127.0.0.1"

func TestAServerThatIsRegisteredIsAvailableAndASecondTimeNothingChanges(t *testing.T) {
	forgetLater(t, cluster.Admin())
	s := serve(t, cluster.Admin(), localhost)
	args := []string{"register", "--kubeconfig", cluster.Admin(), "--state-dir", s.stateDir, "--address", "localhost:" + s.port, "--timeout", patience}
	kubectl.Contains(t, succeed(t, args...),
		"namespace/engine-apiserver created", "namespace/rancher-desktop created", "service/engine-apiserver created",
		"clusterrole.rbac.authorization.k8s.io/engine-apiserver:view created",
		"apiservice.apiregistration.k8s.io/"+apiService+" created", "is available", "Try: kubectl get containers,images,volumes -n rancher-desktop")

	k := kubectl.Any(t, cluster.Admin())
	k.OK(t, "wait", "--for=condition=Available", "apiservice/"+apiService, "--timeout=60s")
	k.OK(t, "wait", "engine/moby", "-n", engineNamespace, "--for=condition=Synced", "--timeout=60s")
	kubectl.Contains(t, k.OK(t, "get", "img", "-n", engineNamespace), "busybox:latest")
	if insecure := k.OK(t, "get", "apiservice", apiService, "-o", "jsonpath={.spec.insecureSkipTLSVerify}"); insecure != "" {
		t.Errorf("insecureSkipTLSVerify is %s", insecure)
	}

	again := succeed(t, args...)
	for line := range strings.Lines(again) {
		if strings.Contains(line, "/") && strings.Contains(line, "engine-apiserver") && !strings.HasSuffix(line, " unchanged\n") {
			t.Errorf("the second register changes something: %s", line)
		}
	}
	kubectl.Contains(t, again, "apiservice.apiregistration.k8s.io/"+apiService+" unchanged")
	kubectl.Contains(t, succeed(t, append(args, "--server-user", "system:serviceaccount:default:someone")...),
		"clusterrolebinding.rbac.authorization.k8s.io/engine-apiserver configured", "apiservice.apiregistration.k8s.io/"+apiService+" unchanged")
	kubectl.Contains(t, k.OK(t, "get", "clusterrolebinding", "engine-apiserver", "-o", "wide"), "default/someone")
}

func TestRegisterGrantsAServerJustWhatItNeedsEvenIfItWasThereFirst(t *testing.T) {
	forgetLater(t, cluster.Admin())
	user, err := cluster.Kubeconfig("docker-host")
	if err != nil {
		t.Fatal(err)
	}
	k, port, stateDir := kubectl.Any(t, cluster.Admin()), testserver.FreePort(t, localhost), t.TempDir()
	args := []string{"serve", "--aggregated", "--kubeconfig", user, "--docker-host", docker.Host(), "--secure-port", port, "--state-dir", stateDir}
	s := testserver.StartProcess(t, args...)
	s.Await(t, `user "docker-host" may not`)
	kubectl.Contains(t, succeed(t, "register", "--kubeconfig", cluster.Admin(), "--server-user", "docker-host", "--state-dir", stateDir,
		"--address", "localhost:"+port, "--timeout", patience), "is available")
	s.Terminate(t)
	k.Fails(t, []string{"NotFound"}, "get", "apiservice", apiService)

	s = testserver.StartProcess(t, args...)
	s.Await(t, "engine-apiserver serves")
	kubectl.Eventually(t, "the server has created its APIService again", func() bool {
		_, _, err := k.Try(t, "wait", "--for=condition=Available", "apiservice/"+apiService, "--timeout=1s")
		return err == nil
	})
	k.OK(t, "create", "namespace", "rdd-system")
	t.Cleanup(func() { k.OK(t, "delete", "namespace", "rdd-system") })
	k.OK(t, "create", "configmap", "rdd-controller-manager", "-n", "rdd-system")
	entry := func() string {
		return k.OK(t, "get", "configmap", "rdd-controller-manager", "-n", "rdd-system", "-o", `jsonpath={.data.containers\.rancherdesktop\.io}`)
	}
	kubectl.Eventually(t, "the server has told a desktop program where it is", func() bool { return entry() != "" })
	s.Terminate(t)
	if left := entry(); left != "" {
		t.Errorf("the server that ended left %s for desktop programs", left)
	}
	if output := s.Output(); strings.Contains(output, "may not") || strings.Contains(output, "forbidden") {
		t.Errorf("the server lacks rights that it needs:\n%s", output)
	}
}

func TestADeletedRegistrationStaysDeletedWhileTheServerRuns(t *testing.T) {
	s := serve(t, cluster.Admin(), localhost)
	succeed(t, "register", "--kubeconfig", cluster.Admin(), "--state-dir", s.stateDir, "--address", "localhost:"+s.port, "--timeout", patience)
	kubectl.Contains(t, forget(t, cluster.Admin()), "apiservice.apiregistration.k8s.io/"+apiService+" deleted",
		"service/engine-apiserver deleted", "clusterrole.rbac.authorization.k8s.io/engine-apiserver deleted",
		"namespace/rancher-desktop deleted", "namespace/engine-apiserver deleted")
	s.Terminate(t)
	kubectl.Contains(t, succeed(t, "register", "--delete", "--kubeconfig", cluster.Admin()),
		"apiservice.apiregistration.k8s.io/"+apiService+" not found", "namespace/rancher-desktop not found")
}

func TestDeleteLeavesNamespacesThatOthersMadeOrUse(t *testing.T) {
	k := kubectl.Any(t, cluster.Admin())
	k.OK(t, "create", "namespace", serviceNamespace)
	try("register", "--kubeconfig", cluster.Admin(), "--state-dir", t.TempDir(), "--timeout", "1ms") // it creates the objects and fails, because no server runs
	k.OK(t, "create", "configmap", "mine", "-n", engineNamespace)
	kubectl.Contains(t, forget(t, cluster.Admin()), "namespace/engine-apiserver left: it was not made by register",
		"namespace/rancher-desktop left: it has configmap/mine")
	k.OK(t, "delete", "configmap", "mine", "-n", engineNamespace)
	kubectl.Contains(t, forget(t, cluster.Admin()), "namespace/rancher-desktop deleted")
	k.OK(t, "delete", "namespace", serviceNamespace)
}

func TestADryRunPrintsWhatCanBeAppliedAndChangesNothing(t *testing.T) {
	k := kubectl.Any(t, cluster.Admin())
	state := func() string {
		return k.OK(t, "get", "namespaces,apiservices,clusterroles,clusterrolebindings", "-o", "jsonpath={.items[*].metadata.resourceVersion}") +
			k.OK(t, "get", "services,roles,rolebindings", "-A", "-o", "jsonpath={.items[*].metadata.resourceVersion}")
	}
	stateDir := t.TempDir()
	before := state()
	manifest := succeed(t, "register", "--kubeconfig", cluster.Admin(), "--state-dir", stateDir, "--dry-run")
	if after := state(); after != before {
		t.Errorf("the cluster has changed:\n%s\n%s", before, after)
	}
	kubectl.Contains(t, manifest, "externalName: localhost", "caBundle: ", "name: admin")
	kubectl.Contains(t, k.Apply(t, manifest, "--dry-run=client"), "apiservice.apiregistration.k8s.io/"+apiService+" created (dry run)")

	withoutCluster := succeed(t, "register", "--kubeconfig", "/nowhere", "--server-user", "admin", "--state-dir", stateDir, "--dry-run")
	if withoutCluster != manifest {
		t.Errorf("the dry run without the cluster prints a different manifest:\n%s", withoutCluster)
	}
}

func TestAControlPlaneThatWantsEndpointsGetsThem(t *testing.T) {
	routing, err := controlplane.Start(controlplane.APIServerArgs("--enable-aggregator-routing=true"), controlplane.Controllers())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := routing.Stop(); err != nil {
			t.Error(err)
		}
	})
	s := serve(t, routing.Admin(), ownAddress(t))
	register := []string{"register", "--kubeconfig", routing.Admin(), "--state-dir", s.stateDir, "--timeout", patience, "--address"}
	output, err := try(append(register, "localhost:"+s.port)...)
	if err == nil {
		t.Error("endpoints on the loopback are accepted")
	}
	kubectl.Contains(t, output, "refuses those of localhost", "--bind-address", "--address")

	kubectl.Contains(t, succeed(t, append(register, s.address())...), "endpointslice.discovery.k8s.io/engine-apiserver created", "is available")
	kubectl.Contains(t, succeed(t, append(register, s.address())...), "service/engine-apiserver unchanged",
		"endpointslice.discovery.k8s.io/engine-apiserver unchanged", "is available")
	kubectl.Contains(t, kubectl.Any(t, routing.Admin()).OK(t, "get", "engine/moby", "-n", engineNamespace), "moby")
	kubectl.Contains(t, forget(t, routing.Admin()), "endpointslice.discovery.k8s.io/engine-apiserver deleted")
}

// ownAddress returns an address of this machine that an endpoint may have. Endpoints must not have a loopback address.
func ownAddress(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		if network, ok := address.(*net.IPNet); ok && network.IP.IsGlobalUnicast() && network.IP.To4() != nil {
			return network.IP.String()
		}
	}
	t.Fatal("this machine has only loopback addresses")
	return ""
}

func TestTheClusterRolesHaveJustTheVerbsThatTheServerHas(t *testing.T) {
	forgetLater(t, cluster.Admin())
	s := serve(t, cluster.Admin(), localhost, "--engine-access=full")
	succeed(t, "register", "--kubeconfig", cluster.Admin(), "--state-dir", s.stateDir, "--address", "localhost:"+s.port, "--timeout", patience)
	k := kubectl.Any(t, cluster.Admin())

	var served metav1.APIResourceList
	if err := json.Unmarshal([]byte(k.OK(t, "get", "--raw", "/apis/containers.rancherdesktop.io/v1alpha1")), &served); err != nil {
		t.Fatal(err)
	}
	want := map[string]sets.Set[string]{}
	for _, resource := range served.APIResources {
		want[resource.Name] = sets.New[string](resource.Verbs...)
	}
	granted := map[string]sets.Set[string]{}
	for _, name := range []string{"engine-apiserver:view", "engine-apiserver:edit", "engine-apiserver:full", "engine-apiserver:create-containers"} {
		var role rbacv1.ClusterRole
		if err := json.Unmarshal([]byte(k.OK(t, "get", "clusterrole", name, "-o", "json")), &role); err != nil {
			t.Fatal(err)
		}
		for _, rule := range role.Rules {
			for _, resource := range rule.Resources {
				granted[resource] = granted[resource].Union(sets.New(rule.Verbs...))
			}
		}
	}
	if len(want) == 0 || len(granted) != len(want) {
		t.Errorf("the roles grant %v, the server has %v", granted, want)
	}
	for resource, verbs := range want {
		if !verbs.Equal(granted[resource]) {
			t.Errorf("%s: the roles grant %v, the server has %v", resource, sets.List(granted[resource]), sets.List(verbs))
		}
	}
	for _, role := range []string{"view", "edit", "admin"} {
		rules := k.OK(t, "get", "clusterrole", role, "-o", "jsonpath={.rules[*].apiGroups}")
		if !slices.Contains(strings.FieldsFunc(rules, func(r rune) bool { return strings.ContainsRune(`[]" ,`, r) }), "containers.rancherdesktop.io") {
			t.Errorf("the role %s lacks the rules", role)
		}
	}
}
