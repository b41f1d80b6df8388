// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker"
)

// withEachEncoding runs a test with a client that uses JSON and with one that uses protobuf.
func withEachEncoding(t *testing.T, run func(t *testing.T, client kubernetes.Interface)) {
	server := start(t)
	config := server.config(t, filepath.Join(server.stateDir, "kubeconfig"))
	for _, encoding := range []string{runtime.ContentTypeJSON, runtime.ContentTypeProtobuf} {
		t.Run(encoding, func(t *testing.T) {
			config := rest.CopyConfig(config)
			config.ContentType = encoding
			client, err := kubernetes.NewForConfig(config)
			if err != nil {
				t.Fatal(err)
			}
			run(t, client)
		})
	}
}

func TestTheHolderOfTheTokenIsToldThatItMayDoEverything(t *testing.T) {
	withEachEncoding(t, func(t *testing.T, client kubernetes.Interface) {
		for _, spec := range []authorizationv1.SelfSubjectAccessReviewSpec{
			{ResourceAttributes: &authorizationv1.ResourceAttributes{Group: "containers.rancherdesktop.io", Resource: "containers", Verb: "list", Namespace: docker.DefaultNamespace}},
			{ResourceAttributes: &authorizationv1.ResourceAttributes{Resource: "namespaces", Verb: "watch"}},
			{NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: "/metrics", Verb: "get"}},
		} {
			review, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(),
				&authorizationv1.SelfSubjectAccessReview{Spec: spec}, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if !review.Status.Allowed || review.Status.Denied || review.Status.EvaluationError != "" || len(review.ManagedFields) > 0 {
				t.Errorf("%+v", review)
			}
		}
		rules, err := client.AuthorizationV1().SelfSubjectRulesReviews().Create(t.Context(),
			&authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: "any"}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		everything := []string{"*"}
		if resources := rules.Status.ResourceRules; rules.Status.Incomplete || len(resources) != 1 || !slices.Equal(resources[0].Verbs, everything) ||
			!slices.Equal(resources[0].APIGroups, everything) || !slices.Equal(resources[0].Resources, everything) {
			t.Errorf("%+v", rules.Status)
		}
	})
}

func TestTheHolderOfTheTokenIsToldWhoItIs(t *testing.T) {
	withEachEncoding(t, func(t *testing.T, client kubernetes.Interface) {
		review, err := client.AuthenticationV1().SelfSubjectReviews().Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if who := review.Status.UserInfo; who.Username != "engine-apiserver" || !slices.Equal(who.Groups, []string{"system:masters", "system:authenticated"}) {
			t.Errorf("%+v", who)
		}
	})
}

func TestAReviewNeedNotSayWhatItIs(t *testing.T) {
	server := start(t)
	client, err := kubernetes.NewForConfig(server.config(t, filepath.Join(server.stateDir, "kubeconfig")))
	if err != nil {
		t.Fatal(err)
	}
	// Headlamp sends this request to log in.
	answer, err := client.AuthorizationV1().RESTClient().Post().Resource("selfsubjectrulesreviews").
		SetHeader("Content-Type", "application/json").Body([]byte(`{"spec":{"namespace":"default"}}`)).Do(t.Context()).Raw()
	if err != nil || !strings.Contains(string(answer), `"resources":["*"]`) {
		t.Errorf("%v: %s", err, answer)
	}
}

func TestReviewsThatMakeNoSenseAreRefused(t *testing.T) {
	withEachEncoding(t, func(t *testing.T, client kubernetes.Interface) {
		both := authorizationv1.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "get"}, NonResourceAttributes: &authorizationv1.NonResourceAttributes{Verb: "get"},
		}
		for _, spec := range []authorizationv1.SelfSubjectAccessReviewSpec{{}, both} {
			_, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(), &authorizationv1.SelfSubjectAccessReview{Spec: spec}, metav1.CreateOptions{})
			if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "resourceAttributes") {
				t.Errorf("%+v: %v", spec, err)
			}
		}
		_, err := client.AuthorizationV1().SelfSubjectRulesReviews().Create(t.Context(), &authorizationv1.SelfSubjectRulesReview{}, metav1.CreateOptions{})
		if !apierrors.IsBadRequest(err) || !strings.Contains(err.Error(), "spec.namespace") {
			t.Error(err)
		}
	})
}

func TestOnlyTheNamespaceOfTheEngineIsListed(t *testing.T) {
	withEachEncoding(t, func(t *testing.T, client kubernetes.Interface) {
		for _, test := range []struct {
			options metav1.ListOptions
			want    int
		}{
			{metav1.ListOptions{}, 1},
			{metav1.ListOptions{ResourceVersion: "0"}, 1},
			{metav1.ListOptions{Limit: 1}, 1},
			{metav1.ListOptions{FieldSelector: "metadata.name=" + docker.DefaultNamespace}, 1},
			{metav1.ListOptions{LabelSelector: "kubernetes.io/metadata.name=" + docker.DefaultNamespace}, 1},
			{metav1.ListOptions{FieldSelector: "metadata.name=default"}, 0},
			{metav1.ListOptions{LabelSelector: "a=b"}, 0},
		} {
			list, err := client.CoreV1().Namespaces().List(t.Context(), test.options)
			if err != nil {
				t.Fatal(err)
			}
			if len(list.Items) != test.want || list.ResourceVersion == "" {
				t.Errorf("%+v: %+v", test.options, list)
			}
			for _, namespace := range list.Items {
				if namespace.Name != docker.DefaultNamespace || namespace.Status.Phase != corev1.NamespaceActive || namespace.UID == "" || namespace.CreationTimestamp.IsZero() {
					t.Errorf("%+v", namespace)
				}
			}
		}
	})
}

func TestNamespacesCanBeWatched(t *testing.T) {
	withEachEncoding(t, func(t *testing.T, client kubernetes.Interface) {
		namespaces := client.CoreV1().Namespaces()
		initial := true
		watcher, err := namespaces.Watch(t.Context(), metav1.ListOptions{
			SendInitialEvents: &initial, AllowWatchBookmarks: true, ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer watcher.Stop()
		if event := <-watcher.ResultChan(); event.Type != watch.Added || event.Object.(*corev1.Namespace).Name != docker.DefaultNamespace {
			t.Errorf("%+v", event)
		}
		if event := <-watcher.ResultChan(); event.Type != watch.Bookmark || event.Object.(*corev1.Namespace).Annotations[metav1.InitialEventsAnnotationKey] != "true" {
			t.Errorf("%+v", event)
		}
	})
}

func TestEveryNamespaceCanBeGot(t *testing.T) {
	withEachEncoding(t, func(t *testing.T, client kubernetes.Interface) {
		for _, name := range []string{docker.DefaultNamespace, "default", "any"} {
			namespace, err := client.CoreV1().Namespaces().Get(t.Context(), name, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if namespace.Name != name || namespace.Status.Phase != corev1.NamespaceActive {
				t.Errorf("%+v", namespace)
			}
		}
		if err := client.CoreV1().Namespaces().Delete(t.Context(), docker.DefaultNamespace, metav1.DeleteOptions{}); !apierrors.IsMethodNotSupported(err) {
			t.Errorf("delete: %v", err)
		}
	})
}

func TestDiscoveryListsTheBuiltInKindsOfAServerThatStandsAlone(t *testing.T) {
	withEachEncoding(t, func(t *testing.T, client kubernetes.Interface) {
		// This call reads the aggregated discovery document. The call below reads the document of one group.
		_, all, err := client.Discovery().ServerGroupsAndResources()
		if err != nil {
			t.Fatal(err)
		}
		for groupVersion, want := range map[string]map[string]string{
			"v1":                       {"namespaces": "get list watch"},
			"authentication.k8s.io/v1": {"selfsubjectreviews": "create"},
			"authorization.k8s.io/v1":  {"selfsubjectaccessreviews": "create", "selfsubjectrulesreviews": "create"},
		} {
			alone, err := client.Discovery().ServerResourcesForGroupVersion(groupVersion)
			if err != nil {
				t.Fatal(err)
			}
			aggregated := all[slices.IndexFunc(all, func(list *metav1.APIResourceList) bool { return list.GroupVersion == groupVersion })]
			for _, list := range []*metav1.APIResourceList{alone, aggregated} {
				if len(list.APIResources) != len(want) {
					t.Errorf("%s: %+v", groupVersion, list.APIResources)
				}
				for _, resource := range list.APIResources {
					if got := strings.Join(resource.Verbs, " "); got != want[resource.Name] || resource.Namespaced || resource.SingularName == "" {
						t.Errorf("%s: %+v", groupVersion, resource)
					}
				}
			}
		}
	})
}

func TestOpenAPIDocumentsTheBuiltInKinds(t *testing.T) {
	withEachEncoding(t, func(t *testing.T, client kubernetes.Interface) {
		for path, want := range map[string][]string{
			"/openapi/v2": {
				"io.k8s.api.core.v1.NamespaceStatus", "Namespace provides a scope for Names.", "io.k8s.api.authentication.v1.UserInfo",
				"io.k8s.api.authorization.v1.FieldSelectorAttributes", "io.rancherdesktop.containers.v1alpha1.Container",
			},
			"/openapi/v3/api/v1":                        {"io.k8s.api.core.v1.NamespaceStatus", `"kind":"Namespace"`},
			"/openapi/v3/apis/authorization.k8s.io/v1":  {"io.k8s.api.authorization.v1.ResourceAttributes", `"required":["spec"]`},
			"/openapi/v3/apis/authentication.k8s.io/v1": {"io.k8s.api.authentication.v1.SelfSubjectReview"},
		} {
			document, err := client.CoreV1().RESTClient().Get().AbsPath(path).SetHeader("Accept", "application/json").Do(t.Context()).Raw()
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range want {
				if !strings.Contains(string(document), part) {
					t.Errorf("%q is not in %s", part, path)
				}
			}
		}
	})
}
