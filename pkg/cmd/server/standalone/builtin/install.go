// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package builtin serves the built-in Kubernetes kinds that clients ask for first: reviews of who their user is and
// what it may do, and namespaces. A standalone server has no cluster that serves them.
package builtin

import (
	"fmt"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apiserver"
)

// kinds lists the built-in kinds by group version.
var kinds = map[schema.GroupVersion][]runtime.Object{
	authenticationv1.SchemeGroupVersion: {&authenticationv1.SelfSubjectReview{}},
	authorizationv1.SchemeGroupVersion:  {&authorizationv1.SelfSubjectAccessReview{}, &authorizationv1.SelfSubjectRulesReview{}},
	corev1.SchemeGroupVersion:           {&corev1.Namespace{}, &corev1.NamespaceList{}},
}

var (
	scheme = newScheme()
	codecs = serializer.NewCodecFactory(scheme)
)

// newScheme returns a scheme with the built-in kinds. It registers each kind as its own internal version, too.
func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	for version, objects := range kinds {
		scheme.AddKnownTypes(version, objects...)
		scheme.AddKnownTypes(schema.GroupVersion{Group: version.Group, Version: runtime.APIVersionInternal}, objects...)
		metav1.AddToGroupVersion(scheme, version)
		utilruntime.Must(scheme.SetVersionPriority(version))
	}
	return scheme
}

// AddOpenAPI adds the built-in kinds to a server's OpenAPI documents. Call it before the server is made.
func AddOpenAPI(config *genericapiserver.Config) { apiserver.SetOpenAPI(config, definitions, scheme) }

// Access authorizes requests, and lists the rules for a user.
type Access interface {
	authorizer.Authorizer
	authorizer.RuleResolver
}

// Install makes the server serve the built-in kinds. Call AddOpenAPI with the server's configuration first.
func Install(server *apiserver.Server, namespace string, access Access) error {
	namespaces, err := newNamespaces(namespace, server.Versions)
	if err != nil {
		return err
	}
	core := newGroup(corev1.SchemeGroupVersion, map[string]rest.Storage{"namespaces": namespaces})
	if err := server.GenericAPIServer.InstallLegacyAPIGroup(genericapiserver.DefaultLegacyAPIPrefix, core); err != nil {
		return fmt.Errorf("installing the core API group: %w", err)
	}
	authentication := newGroup(authenticationv1.SchemeGroupVersion, map[string]rest.Storage{
		"selfsubjectreviews": newSelfSubjectReview(),
	})
	authorization := newGroup(authorizationv1.SchemeGroupVersion, map[string]rest.Storage{
		"selfsubjectaccessreviews": newSelfSubjectAccessReview(access),
		"selfsubjectrulesreviews":  newSelfSubjectRulesReview(access),
	})
	if err := server.GenericAPIServer.InstallAPIGroups(authentication, authorization); err != nil {
		return fmt.Errorf("installing the API groups of reviews: %w", err)
	}
	return nil
}

func newGroup(version schema.GroupVersion, storage map[string]rest.Storage) *genericapiserver.APIGroupInfo {
	group := genericapiserver.NewDefaultAPIGroupInfo(version.Group, scheme, metav1.ParameterCodec, codecs)
	group.VersionedResourcesStorageMap[version.Version] = storage
	return &group
}
