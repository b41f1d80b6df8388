// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

// servePermanent serves containers of which Docker never removes the one named host.
func servePermanent(t *testing.T, source *fakeContainers) *httptest.Server {
	t.Helper()
	return serveStorage(t, source, func(scheme *runtime.Scheme, objects *registry.Namespaced, verbs registry.Verbs) (rest.Storage, error) {
		return registry.NewStorage(registry.Resource{
			Name:           "containers",
			SingularName:   "container",
			NewFunc:        func() runtime.Object { return &v1alpha1.Container{} },
			NewListFunc:    func() runtime.Object { return &v1alpha1.ContainerList{} },
			Strategy:       registry.Strategy{ObjectTyper: scheme},
			TableConvertor: registry.NewTableConvertor[*v1alpha1.Container](),
			Permanent:      []string{"host", "none"},
		}, verbs, scheme, objects)
	}, func(config *genericapiserver.RecommendedConfig) {
		config.Authentication.Authenticator = authenticator.RequestFunc(userOfHeader)
	})
}

func TestTheDeletionOfACollectionLeavesOutWhatDockerNeverRemoves(t *testing.T) {
	for selector, want := range map[string]string{
		"":                                    "delete back, delete front",
		"?fieldSelector=":                     "delete back, delete front",
		"?fieldSelector=spec.state!=x":        "delete back, delete front",
		"?labelSelector=a!=b":                 "delete back, delete front",
		"?fieldSelector=metadata.name%3dback": "delete back",
		"?fieldSelector=metadata.name%3dhost": "",
	} {
		source := newFakeContainers(exited("host"), exited("back"), exited("none"), exited("front"))
		status, body := do(t, servePermanent(t, source), http.MethodDelete, defaultPath+"/containers"+selector, "")
		check(t, status, body, http.StatusOK)
		if calls := source.took(); calls != want {
			t.Errorf("%q: the source was told %q, want %q", selector, calls, want)
		}
	}
}

func TestOnlyTheNamespaceControllerDoesNotSeeWhatDockerNeverRemoves(t *testing.T) {
	server := servePermanent(t, newFakeContainers(exited("host"), exited("back")))
	for user, sees := range map[string]bool{controllerUser: false, "system:kube-controller-manager": false, "alice": true} {
		status, body := do(t, server, http.MethodGet, defaultPath+"/containers", "", userHeader+": "+user)
		check(t, status, body, http.StatusOK, `"name":"back"`)
		if got := strings.Contains(body, `"name":"host"`); got != sees {
			t.Errorf("%s sees it: %t, want %t", user, got, sees)
		}
	}
}
