// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

const (
	// unregistered is the value of Label on a Service that Unregister is about to delete.
	unregistered = "unregistered"
	// notFound is the outcome of the deletion of an object that is not there.
	notFound = "not found"
)

// Unregister undoes Register and writes what it did to out. It leaves objects that do not belong to this registration.
func (c *Cluster) Unregister(ctx context.Context, options Options, out io.Writer) error {
	if err := c.Check(ctx); err != nil {
		return err
	}
	policies, err := c.servesPolicies()
	if err != nil {
		return err
	}
	if policies {
		options.Policy = PolicyRestricted
	}
	objects, err := options.objects()
	if err != nil {
		return err
	}
	services, err := c.serves("v1", "services")
	if err != nil {
		return err
	}
	if services {
		service, err := options.serviceObjects([]string{options.Host}) // both the Service and an EndpointSlice
		if err != nil {
			return err
		}
		objects = inOrder(objects, service)
	}
	if err := c.checkRights(ctx, objects, "get", "delete"); err != nil {
		return err
	}
	if services {
		if _, err := c.checkService(ctx, options.Service); err != nil {
			return err
		}
		if err := c.forgetService(ctx, options.Service); err != nil {
			return err
		}
	}
	slices.Reverse(objects) // delete the APIService first and the Namespaces last
	for _, object := range objects {
		done, err := c.deleteObject(ctx, object, options.Service)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, describe(object), done)
	}
	return nil
}

// forgetService changes the label of the Service, so that a running server does not restore its APIService.
func (c *Cluster) forgetService(ctx context.Context, service Service) error {
	patch := fmt.Sprintf(`{"metadata":{"labels":{%q:%q}}}`, Label, unregistered)
	_, err := c.kubernetes.CoreV1().Services(service.Namespace).Patch(ctx, service.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: fieldManager})
	if err != nil && !apierrors.IsNotFound(err) {
		return c.explain("changing the Service "+service.String(), err)
	}
	return nil
}

// deleteObject deletes an object that register made. It returns the outcome as text for the user.
func (c *Cluster) deleteObject(ctx context.Context, object *unstructured.Unstructured, service Service) (string, error) {
	client := c.resource(object)
	current, err := client.Get(ctx, object.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return notFound, nil
	}
	if err != nil {
		return "", c.explain("reading "+describe(object), err)
	}
	reason, err := c.reasonToKeep(ctx, current, service)
	if err != nil {
		return "", err
	}
	if reason != "" {
		return "left: " + reason, nil
	}
	uid := current.GetUID()
	err = client.Delete(ctx, object.GetName(), metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
	if err != nil && !apierrors.IsNotFound(err) {
		return "", c.explain("deleting "+describe(object), err)
	}
	return "deleted", nil
}

// reasonToKeep returns why an object must not be deleted, or "" if it may be.
func (c *Cluster) reasonToKeep(ctx context.Context, object *unstructured.Unstructured, service Service) (string, error) {
	kind := object.GetKind()
	if kind == "APIService" {
		namespace, _, _ := unstructured.NestedString(object.Object, "spec", "service", "namespace")
		name, _, _ := unstructured.NestedString(object.Object, "spec", "service", "name")
		if namespace != service.Namespace || name != service.Name {
			return "it does not lead to the Service " + service.String(), nil
		}
		return "", nil
	}
	if object.GetLabels()[Label] == "" {
		return "it was not made by register", nil
	}
	if kind != "Namespace" {
		return "", nil
	}
	found, err := c.contents(ctx, object.GetName())
	if err != nil || len(found) == 0 {
		return "", err
	}
	return "it has " + strings.Join(found, ", "), nil
}

// madeInEveryNamespace are the objects that a cluster makes in each namespace.
var madeInEveryNamespace = map[schema.GroupResource]string{
	{Resource: "serviceaccounts"}: "default",
	{Resource: "configmaps"}:      "kube-root-ca.crt",
}

// contents returns the names of objects in a namespace, at most one of each kind. It leaves out what the cluster makes there
// by itself, events, and objects that are being deleted.
func (c *Cluster) contents(ctx context.Context, namespace string) ([]string, error) {
	lists, err := c.kubernetes.Discovery().ServerPreferredNamespacedResources()
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		return nil, c.explain("asking for the resources of the cluster", err)
	}
	// A group that does not answer may have objects in the namespace. The server's own group never counts: its objects are in
	// the engine, not in the cluster.
	if failed, ok := discovery.GroupDiscoveryFailedErrorGroups(err); ok {
		delete(failed, v1alpha1.SchemeGroupVersion)
		for version := range failed {
			return []string{"possibly objects of " + version.String() + ", which does not answer"}, nil
		}
	}
	var found []string
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return nil, err
		}
		for _, resource := range list.APIResources {
			if version.Group == v1alpha1.GroupName || resource.Name == "events" || !slices.Contains(resource.Verbs, "list") {
				continue
			}
			objects, err := c.dynamic.Resource(version.WithResource(resource.Name)).Namespace(namespace).List(ctx, metav1.ListOptions{})
			if err != nil {
				return nil, c.explain("listing "+resource.Name+" in "+namespace, err)
			}
			for _, object := range objects.Items {
				made := madeInEveryNamespace[schema.GroupResource{Group: version.Group, Resource: resource.Name}]
				if object.GetName() != made && object.GetDeletionTimestamp() == nil {
					found = append(found, describe(&object))
					break
				}
			}
		}
	}
	return found, nil
}
