// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// written returns the objects that WriteYAML writes, by kind and name.
func written(t *testing.T, options Options) map[string]*unstructured.Unstructured {
	t.Helper()
	var out bytes.Buffer
	if err := options.WriteYAML(&out); err != nil {
		t.Fatal(err)
	}
	objects := map[string]*unstructured.Unstructured{}
	for decoder := utilyaml.NewYAMLOrJSONDecoder(&out, 4096); ; {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(object)
		if errors.Is(err, io.EOF) {
			return objects
		}
		if err != nil {
			t.Fatal(err)
		}
		key := object.GetKind() + " " + object.GetName()
		if objects[key] != nil {
			t.Errorf("%s is written twice", key)
		}
		objects[key] = object
	}
}

func field(object *unstructured.Unstructured, path ...string) any {
	value, _, _ := unstructured.NestedFieldNoCopy(object.Object, path...)
	return value
}

func testOptions() Options {
	return Options{Service: testService, Host: "Engine.example.net.", Namespace: "shown", User: "jane", Authority: []byte("authority")}
}

func TestARegistrationLeadsToTheServerAndGrantsItsUser(t *testing.T) {
	objects := written(t, testOptions())
	for key, object := range objects {
		if object.GetLabels()[Label] != APIServiceName {
			t.Errorf("%s has the labels %v", key, object.GetLabels())
		}
		if namespace := object.GetNamespace(); namespace != "" && namespace != testService.Namespace && namespace != "kube-system" {
			t.Errorf("%s is in %s", key, namespace)
		}
		if !strings.HasSuffix(object.GetKind(), "Binding") {
			continue
		}
		if subjects, _ := field(object, "subjects").([]any); len(subjects) != 1 || subjects[0].(map[string]any)["name"] != "jane" {
			t.Errorf("%s binds %v", key, subjects)
		}
	}
	for _, test := range []struct {
		object string
		path   []string
		want   any
	}{
		{"Namespace some", []string{"spec"}, nil},
		{"Namespace shown", []string{"spec"}, nil},
		{"Service docker", []string{"spec", "type"}, "ExternalName"},
		{"Service docker", []string{"spec", "externalName"}, "engine.example.net"},
		{"APIService " + APIServiceName, []string{"spec", "service", "namespace"}, "some"},
		{"APIService " + APIServiceName, []string{"spec", "service", "name"}, "docker"},
		{"APIService " + APIServiceName, []string{"spec", "service", "port"}, int64(6445)},
		{"APIService " + APIServiceName, []string{"spec", "caBundle"}, "YXV0aG9yaXR5"},
		{"APIService " + APIServiceName, []string{"spec", "insecureSkipTLSVerify"}, nil},
		{"ClusterRoleBinding engine-apiserver:auth-delegator", []string{"roleRef", "name"}, "system:auth-delegator"},
		{"RoleBinding engine-apiserver:authentication-reader", []string{"metadata", "namespace"}, "kube-system"},
	} {
		object := objects[test.object]
		if object == nil {
			t.Errorf("%s is missing", test.object)
		} else if got := field(object, test.path...); got != test.want {
			t.Errorf("%s, %s: %v", test.object, strings.Join(test.path, "."), got)
		}
	}
	role := &rbacv1.Role{}
	if err := edit(objects["Role engine-apiserver"], func(r *rbacv1.Role) { *role = *r }); err != nil {
		t.Fatal(err)
	}
	for _, rule := range role.Rules {
		if !slices.Equal(rule.ResourceNames, []string{testService.Name}) {
			t.Errorf("the server may %v %v of %v", rule.Verbs, rule.Resources, rule.ResourceNames)
		}
	}
}

func TestAServerThatIsAnAddressOfIPv6HasAnEndpoint(t *testing.T) {
	options := testOptions()
	options.Host = "2001:db8::1"
	objects := written(t, options)
	if got := field(objects["Service docker"], "spec", "externalName"); got != nil {
		t.Errorf("the Service leads to %v", got)
	}
	slice := objects["EndpointSlice docker"]
	if slice == nil {
		t.Fatal("there is no EndpointSlice")
	}
	if got := field(slice, "addressType"); got != "IPv6" {
		t.Errorf("the EndpointSlice is of type %v", got)
	}
	if got := slice.GetLabels()["kubernetes.io/service-name"]; got != "docker" {
		t.Errorf("the EndpointSlice belongs to the Service %q", got)
	}
}

func TestOneNamespaceCanBeThatOfTheServiceAndOfTheEngine(t *testing.T) {
	options := testOptions()
	options.Namespace = options.Service.Namespace
	namespaces := 0
	for _, object := range written(t, options) { // written fails on duplicates
		if object.GetKind() == "Namespace" {
			namespaces++
		}
	}
	if namespaces != 1 {
		t.Errorf("%d Namespaces", namespaces)
	}
}

func TestServiceAccountsAreBoundAsSuch(t *testing.T) {
	for user, want := range map[string]rbacv1.Subject{
		"jane":                             {Kind: "User", APIGroup: "rbac.authorization.k8s.io", Name: "jane"},
		"system:serviceaccount:some:robot": {Kind: "ServiceAccount", Namespace: "some", Name: "robot"},
		"system:serviceaccount:some":       {Kind: "User", APIGroup: "rbac.authorization.k8s.io", Name: "system:serviceaccount:some"},
		"system:node:one":                  {Kind: "User", APIGroup: "rbac.authorization.k8s.io", Name: "system:node:one"},
	} {
		if got := subject(user); got != want {
			t.Errorf("%s: %+v", user, got)
		}
	}
}

func TestPoliciesAreWrittenOnlyIfTheyAreAskedFor(t *testing.T) {
	for policy, want := range map[Policy]bool{PolicyUnchanged: false, PolicyNone: false, PolicyRestricted: true} {
		options := testOptions()
		options.Policy = policy
		objects := written(t, options)
		for _, kind := range []string{"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"} {
			object := objects[kind+" restricted-containers.containers.rancherdesktop.io"]
			if (object != nil) != want || want && object.GetLabels()[Label] != APIServiceName {
				t.Errorf("policy %q: %s: %v", policy, kind, object)
			}
		}
	}
}
