// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/request"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

var secretResource = schema.GroupResource{Resource: "secrets"}

// Secrets reads the Secrets of a cluster for users who may get them.
type Secrets struct {
	// Client reads Secrets with the server's own rights.
	Client corev1client.SecretsGetter
	// Rights decides which Secrets a user may get.
	Rights authorizer.Authorizer
}

// get returns the docker configuration in a Secret. i is the place of its name in spec.pullSecrets.
func (s *Secrets) get(ctx context.Context, i int, name string) ([]byte, error) {
	if s == nil {
		return nil, invalidSecret(i, name, "the server stands alone, without a cluster that has Secrets: send the credentials in the header X-Registry-Auth, or log in with docker login as the server's user")
	}
	namespace := request.NamespaceValue(ctx)
	wanted := authorizer.AttributesRecord{APIVersion: "v1", Resource: secretResource.Resource, Namespace: namespace, Name: name}
	if err := registry.RequireGet(ctx, s.Rights, wanted); err != nil {
		return nil, err
	}
	secret, err := s.Client.Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, invalidSecret(i, name, "there is no such Secret in the namespace "+namespace)
	case apierrors.IsForbidden(err):
		return nil, apierrors.NewForbidden(secretResource, name, fmt.Errorf("the server itself may not get it: bind the role engine-apiserver:pull-secrets to the server's user in the namespace %s", namespace))
	case err != nil:
		return nil, apierrors.NewServiceUnavailable(fmt.Sprintf("getting the Secret %q: %v", name, err))
	case secret.Type != corev1.SecretTypeDockerConfigJson:
		return nil, invalidSecret(i, name, "it is a Secret of the type "+string(secret.Type)+", and must be one of the type "+string(corev1.SecretTypeDockerConfigJson))
	}
	return secret.Data[corev1.DockerConfigJsonKey], nil
}

// invalidSecret returns the error for a name in spec.pullSecrets that cannot be used.
func invalidSecret(i int, name, reason string) error {
	return apierrors.NewInvalid(v1alpha1.Kind("ImageRequest"), "", field.ErrorList{
		field.Invalid(field.NewPath("spec", "pullSecrets").Index(i), name, reason),
	})
}
