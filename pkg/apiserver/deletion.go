// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/client-go/kubernetes"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	restclient "k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

const (
	namespaceTimeout    = 5 * time.Second
	namespaceRetryAfter = 1 // second
)

// namespaceDeletion is an admission plugin. It keeps the deletion of the engine's Kubernetes Namespace from deleting
// everything in the engine. The Namespace only shows Docker's objects. It does not own them.
type namespaceDeletion struct {
	*admission.Handler
	namespace  string
	namespaces corev1client.NamespaceInterface // nil if there is no control plane to ask
}

var _ admission.ValidationInterface = &namespaceDeletion{}

func newNamespaceDeletion(namespace string, controlPlane *restclient.Config) (*namespaceDeletion, error) {
	plugin := &namespaceDeletion{Handler: admission.NewHandler(admission.Delete), namespace: namespace}
	if controlPlane == nil {
		return plugin, nil
	}
	config := restclient.CopyConfig(controlPlane)
	config.QPS = -1 // no rate limit, so that a collection is deleted as fast as Docker can
	config.Timeout = namespaceTimeout
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a client of the control plane's namespaces: %w", err)
	}
	plugin.namespaces = client.CoreV1().Namespaces()
	return plugin, nil
}

// Validate implements admission.ValidationInterface. It is called for each object that a request would delete. If the
// request deletes a collection, the attributes have no name.
func (n *namespaceDeletion) Validate(ctx context.Context, attributes admission.Attributes, _ admission.ObjectInterfaces) error {
	if attributes.GetResource().Group != v1alpha1.GroupName || attributes.GetNamespace() != n.namespace {
		return nil
	}
	if registry.IsNamespaceController(attributes.GetUserInfo().GetName()) {
		return n.refuse(attributes)
	}
	if attributes.GetName() != "" || n.namespaces == nil {
		return nil
	}
	namespace, err := n.namespaces.Get(ctx, n.namespace, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		refused := apierrors.NewServiceUnavailable(fmt.Sprintf(
			"nothing was deleted: asking the control plane whether the namespace %q is being deleted has failed: %v", n.namespace, err))
		refused.ErrStatus.Details = &metav1.StatusDetails{RetryAfterSeconds: namespaceRetryAfter}
		return refused
	case namespace.DeletionTimestamp != nil:
		return n.refuse(attributes)
	}
	return nil
}

func (n *namespaceDeletion) refuse(attributes admission.Attributes) error {
	return apierrors.NewForbidden(attributes.GetResource().GroupResource(), attributes.GetName(), fmt.Errorf(
		"deleting the namespace %q does not delete Docker's objects: start engine-apiserver with --allow-namespace-deletion to allow it", n.namespace))
}
