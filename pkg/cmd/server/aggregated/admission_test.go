// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregated

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

const admissionPath = "/apis/admissionregistration.k8s.io/v1"

// serving answers with a list of resources.
func serving(names ...string) answer {
	list := metav1.APIResourceList{}
	for _, name := range names {
		list.APIResources = append(list.APIResources, metav1.APIResource{Name: name})
	}
	return object(list)
}

// admissionResources are all resources that admission plugins read.
func admissionResources() (names []string) {
	for _, plugin := range admissionPlugins {
		names = append(names, plugin.resources...)
	}
	return names
}

func TestEachThingThatDecidesAboutChangesAppliesIfTheControlPlaneHasIt(t *testing.T) {
	all := admissionResources()
	webhooks := []string{"mutatingwebhookconfigurations", "validatingwebhookconfigurations"}
	policies := []string{"validatingadmissionpolicies", "validatingadmissionpolicybindings"}
	for name, test := range map[string]struct {
		admission        answer
		missing, plugins []string
	}{
		"all":                   {serving(all...), nil, []string{"MutatingAdmissionPolicy", "MutatingAdmissionWebhook", "ValidatingAdmissionPolicy", "ValidatingAdmissionWebhook"}},
		"no mutating policies":  {serving(append(webhooks, policies...)...), all[:2], []string{"MutatingAdmissionWebhook", "ValidatingAdmissionPolicy", "ValidatingAdmissionWebhook"}},
		"only webhooks":         {serving(webhooks...), slices.Concat(all[:2], policies), []string{"MutatingAdmissionWebhook", "ValidatingAdmissionWebhook"}},
		"nothing of that group": {nil, all, nil},
	} {
		found, err := trusted(t, serveAnswers(t, ready(map[string]answer{admissionPath: test.admission}))).CheckAdmission(t.Context())
		if err != nil || !slices.Equal(found.Missing, test.missing) || !slices.Equal(found.plugins, test.plugins) {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
	}
}

func TestAServerThatMayNotReadWhatDecidesAboutChangesWaits(t *testing.T) {
	serves := map[string]answer{admissionPath: serving(admissionResources()...)}
	const remedy = "grant it with engine-apiserver register --kubeconfig ADMIN-KUBECONFIG --server-user alice"
	for denied, parts := range map[string][]string{
		"validatingadmissionpolicies":       {"list/watch validatingadmissionpolicies.admissionregistration.k8s.io", remedy},
		"validatingadmissionpolicybindings": {"list/watch validatingadmissionpolicybindings.admissionregistration.k8s.io", remedy},
		"mutatingwebhookconfigurations":     {"list/watch mutatingwebhookconfigurations.admissionregistration.k8s.io", remedy},
		"namespaces":                        {"get/list/watch namespaces", remedy},
		"services":                          {"get services", remedy},
	} {
		serves[reviewPath] = reviews(denied)
		_, err := trusted(t, serveAnswers(t, ready(serves))).CheckAdmission(t.Context())
		checkError(t, denied, err, true, append(parts, `"alice"`)...)
	}
	_, err := trusted(t, serveAnswers(t, ready(map[string]answer{admissionPath: text(503, "text/plain", "")}))).CheckAdmission(t.Context())
	checkError(t, "starting", err, true, "not ready")

	without := ready(map[string]answer{reviewPath: reviews("namespaces", "services")})
	if _, err := trusted(t, serveAnswers(t, without)).CheckAdmission(t.Context()); err != nil {
		t.Errorf("rights are missing for nothing: %v", err)
	}
}

func TestAWebhookIsCalledWhereItsServiceIs(t *testing.T) {
	service := func(name string, spec corev1.ServiceSpec) *corev1.Service {
		return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "hooks", Name: name}, Spec: spec}
	}
	resolver := services{fake.NewClientset(
		service("inside", corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP, ClusterIP: "10.0.0.7"}),
		service("v6", corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, ClusterIP: "fd00::7"}),
		service("outside", corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "hooks.example.net"}),
		service("headless", corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP, ClusterIP: corev1.ClusterIPNone}),
	).CoreV1()}
	for name, want := range map[string]string{
		"inside": "https://10.0.0.7:8443", "v6": "https://[fd00::7]:8443", "outside": "https://hooks.example.net:8443",
	} {
		if got, err := resolver.ResolveEndpoint("hooks", name, 8443); err != nil || got.String() != want {
			t.Errorf("%s: %v, %v, want %s", name, got, err, want)
		}
	}
	if got, err := resolver.ResolveEndpoint("hooks", "headless", 8443); err == nil || !strings.Contains(err.Error(), "hooks/headless") {
		t.Errorf("a Service without an address: %v, %v", got, err)
	}
	if _, err := resolver.ResolveEndpoint("hooks", "none", 8443); !apierrors.IsNotFound(err) {
		t.Errorf("no Service: %v", err)
	}
}
