// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"cmp"
	"errors"
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/kubernetes/fake"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	restclient "k8s.io/client-go/rest"
	clienttesting "k8s.io/client-go/testing"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker"
)

const (
	controllerUser = "system:serviceaccount:kube-system:namespace-controller"
	userHeader     = "X-User"
)

// userOfHeader authenticates a request as the user that its header names.
func userOfHeader(request *http.Request) (*authenticator.Response, bool, error) {
	name := cmp.Or(request.Header.Get(userHeader), user.Anonymous)
	return &authenticator.Response{User: &user.DefaultInfo{Name: name}}, true, nil
}

// namespacesOf returns the Namespaces of a control plane that has these objects, or that fails with failure.
func namespacesOf(objects []runtime.Object, failure error) corev1client.NamespaceInterface {
	client := fake.NewClientset(objects...)
	if failure != nil {
		client.PrependReactor("get", "namespaces", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, failure })
	}
	return client.CoreV1().Namespaces()
}

func TestTheDeletionOfTheNamespaceDoesNotReachTheEngine(t *testing.T) {
	active := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: docker.DefaultNamespace}}
	ending := active.DeepCopy()
	now := metav1.Now()
	ending.DeletionTimestamp, ending.Finalizers = &now, []string{"kubernetes"}
	const (
		one = "/containers/job"
		all = "/containers"
	)
	for name, test := range map[string]struct {
		user       string
		path       string
		namespaces corev1client.NamespaceInterface
		status     int
		parts      []string
		call       string
	}{
		"controller, collection": {controllerUser, all, namespacesOf(nil, nil), 403, []string{"--allow-namespace-deletion", "Docker's"}, ""},
		"controller, object":     {controllerUser, one, namespacesOf(nil, nil), 403, []string{"--allow-namespace-deletion", `\"job\"`}, ""},
		"controllers of one name": {"system:kube-controller-manager", all, namespacesOf(nil, nil), 403,
			[]string{"--allow-namespace-deletion"}, ""},
		"controller, no control plane":  {controllerUser, all, nil, 403, []string{"--allow-namespace-deletion"}, ""},
		"user, no control plane":        {"alice", all, nil, 200, nil, "delete job"},
		"user, collection":              {"alice", all, namespacesOf([]runtime.Object{active}, nil), 200, nil, "delete job"},
		"user, no namespace":            {"alice", all, namespacesOf(nil, nil), 200, nil, "delete job"},
		"user, namespace is going":      {"alice", all, namespacesOf([]runtime.Object{ending}, nil), 403, []string{"--allow-namespace-deletion"}, ""},
		"user, object while it goes":    {"alice", one, namespacesOf([]runtime.Object{ending}, nil), 200, nil, "delete job"},
		"dry run":                       {controllerUser, all + "?dryRun=All", nil, 403, []string{"--allow-namespace-deletion"}, ""},
		"control plane does not answer": {"alice", all, namespacesOf(nil, errors.New("connection refused")), 503, []string{"connection refused", `"retryAfterSeconds":1`}, ""},
		"control plane refuses": {"alice", all, namespacesOf(nil, apierrors.NewForbidden(corev1.Resource("namespaces"), docker.DefaultNamespace, nil)), 503,
			[]string{"forbidden", `"retryAfterSeconds":1`}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			source := newFakeContainers(exited("job"))
			server := serveContainers(t, source, func(config *genericapiserver.RecommendedConfig) {
				plugin := &namespaceDeletion{admission.NewHandler(admission.Delete), docker.DefaultNamespace, test.namespaces}
				config.Authentication.Authenticator = authenticator.RequestFunc(userOfHeader)
				config.AdmissionControl = plugin
			})
			status, body := do(t, server, http.MethodDelete, defaultPath+test.path, "", userHeader+": "+test.user)
			check(t, status, body, test.status, test.parts...)
			if call := source.took(); call != test.call {
				t.Errorf("the source was told %q, want %q", call, test.call)
			}
		})
	}
}

func TestACollectionElsewhereIsDeletedWithoutAnEngine(t *testing.T) {
	server := serveNoEngine(t, false)
	for _, resource := range []string{"containers", "images", "volumes", "networks"} {
		status, body := do(t, server, http.MethodDelete, groupPath+"/namespaces/other/"+resource, "")
		check(t, status, body, http.StatusOK)
		status, body = do(t, server, http.MethodDelete, defaultPath+"/"+resource, "")
		check(t, status, body, http.StatusServiceUnavailable)
	}
}

func TestAdmissionOfAnEmbeddingProgramIsKept(t *testing.T) {
	for _, allow := range []bool{false, true} {
		embedding := admission.NewHandler(admission.Create)
		generic := newTestConfig()
		generic.AdmissionControl = embedding
		generic.ClientConfig = &restclient.Config{Host: "https://127.0.0.1:1"}
		config := Config{GenericConfig: generic, ExtraConfig: ExtraConfig{AllowNamespaceDeletion: allow}}
		completed := config.Complete()
		server, err := completed.New(genericapiserver.NewEmptyDelegate())
		if err != nil {
			t.Fatal(err)
		}
		server.GenericAPIServer.Destroy()
		got := completed.generic.AdmissionControl
		if !got.Handles(admission.Create) || got.Handles(admission.Delete) == allow {
			t.Errorf("deletion allowed %t: the plugins handle creations %t and deletions %t", allow, got.Handles(admission.Create), got.Handles(admission.Delete))
		}
	}
}
