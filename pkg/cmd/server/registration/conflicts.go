// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"context"
	"fmt"
	"slices"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

var crdResource = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// checkConflicts returns an error if something else in the cluster already serves the server's group and version:
// CustomResourceDefinitions, or an APIService for another server.
func (c *Cluster) checkConflicts(ctx context.Context, service Service) error {
	names, err := c.customResources(ctx)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		return fmt.Errorf("the cluster already serves %s from the CustomResourceDefinitions %s: remove them and all their objects with 'kubectl delete customresourcedefinitions %s', then register again",
			v1alpha1.SchemeGroupVersion, strings.Join(names, ", "), strings.Join(names, " "))
	}
	current, err := c.apiService(ctx)
	if current == nil || err != nil {
		return err
	}
	reference := current.Spec.Service
	switch {
	case reference == nil:
		return fmt.Errorf("the APIService %s belongs to kube-apiserver, which serves CustomResourceDefinitions by it: list them with 'kubectl get customresourcedefinitions', remove those of the group %s, then register again",
			APIServiceName, v1alpha1.GroupName)
	case reference.Namespace != service.Namespace || reference.Name != service.Name:
		return fmt.Errorf("the APIService %s leads to another server, the Service %s/%s: if you no longer need that server, run 'kubectl delete apiservice %s' and register again",
			APIServiceName, reference.Namespace, reference.Name, APIServiceName)
	}
	return nil
}

// customResources returns the names of the CustomResourceDefinitions that serve the server's group and version.
func (c *Cluster) customResources(ctx context.Context) ([]string, error) {
	list, err := c.dynamic.Resource(crdResource).List(ctx, metav1.ListOptions{})
	if apierrors.IsNotFound(err) || apierrors.IsForbidden(err) {
		return nil, nil // checkConflicts reads the same from the APIService, without the names
	}
	if err != nil {
		return nil, c.explain("listing CustomResourceDefinitions", err)
	}
	var names []string
	for _, crd := range list.Items {
		group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
		versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
		served := slices.ContainsFunc(versions, func(version any) bool {
			fields, _ := version.(map[string]any)
			return fields["name"] == v1alpha1.SchemeGroupVersion.Version && fields["served"] == true
		})
		if group == v1alpha1.GroupName && served {
			names = append(names, crd.GetName())
		}
	}
	return names, nil
}

// apiService returns the server's APIService, or nil if there is none.
func (c *Cluster) apiService(ctx context.Context) (*apiregistrationv1.APIService, error) {
	current, err := c.aggregator.ApiregistrationV1().APIServices().Get(ctx, APIServiceName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, c.explain("reading the APIService "+APIServiceName, err)
	}
	return current, nil
}

// checkService returns an error if the Service belongs to something else and must not be changed or deleted. byEndpoints
// reports whether the Service exists and leads to EndpointSlices, not to a name.
func (c *Cluster) checkService(ctx context.Context, service Service) (byEndpoints bool, err error) {
	current, err := c.kubernetes.CoreV1().Services(service.Namespace).Get(ctx, service.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, c.explain("reading the Service "+service.String(), err)
	case current.Labels[Label] == "":
		return false, fmt.Errorf("the Service %s was not made for this server: delete it, or choose another --service-name for register and serve", service)
	case len(current.Spec.Selector) > 0:
		return false, fmt.Errorf("the Service %s leads to a server that runs in the cluster: first remove that server with 'kubectl delete -k artifacts'", service)
	}
	return current.Spec.Type == corev1.ServiceTypeClusterIP, nil
}

// checkRights returns an error that lists the rights that the user lacks. It runs before the first change, so that a
// registration does not stop halfway.
func (c *Cluster) checkRights(ctx context.Context, objects []*unstructured.Unstructured, verbs ...string) error {
	var missing []string
	asked := map[authorizationv1.ResourceAttributes]bool{}
	for _, object := range objects {
		resource := resourceOf(object)
		for _, verb := range verbs {
			right := authorizationv1.ResourceAttributes{Verb: verb, Group: resource.Group, Resource: resource.Resource, Namespace: object.GetNamespace()}
			if asked[right] {
				continue
			}
			asked[right] = true
			review, err := c.kubernetes.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
				Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &right},
			}, metav1.CreateOptions{})
			if err != nil {
				return c.explain("asking for the user's rights", err)
			}
			if !review.Status.Allowed {
				where := ""
				if right.Namespace != "" {
					where = " in " + right.Namespace
				}
				missing = append(missing, verb+" "+resource.GroupResource().String()+where)
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	user, err := c.User(ctx)
	if err != nil {
		return err
	}
	return fmt.Errorf("user %q of %s may not %s: use the kubeconfig of a cluster administrator", user, c.source, strings.Join(missing, ", nor "))
}
