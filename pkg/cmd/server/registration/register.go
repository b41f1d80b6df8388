// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	netutils "k8s.io/utils/net"
)

// Register applies a registration, writes what it did to out, and waits until the server is available through the cluster.
func (c *Cluster) Register(ctx context.Context, options Options, timeout time.Duration, out io.Writer) error {
	if err := c.Check(ctx); err != nil {
		return err
	}
	if err := c.checkConflicts(ctx, options.Service); err != nil {
		return err
	}
	if err := c.checkPolicies(options); err != nil {
		return err
	}
	if err := c.trustBoth(ctx, &options); err != nil {
		return err
	}
	objects, err := options.objects()
	if err != nil {
		return err
	}
	services, err := c.serves("v1", "services")
	if err != nil {
		return err
	}
	byEndpoints := false
	if services {
		if byEndpoints, err = c.checkService(ctx, options.Service); err != nil {
			return err
		}
		byEndpoints = byEndpoints || netutils.IsIPv6String(options.Host)
		service, err := options.service(ctx, byEndpoints)
		if err != nil {
			return err
		}
		objects = inOrder(objects, service)
	}
	if err := c.checkRights(ctx, objects, "get", "create", "patch"); err != nil {
		return err
	}
	if !services {
		fmt.Fprintf(out, "the control plane has no Services: make sure that it resolves %s.%s.svc to the server's address\n", options.Service.Name, options.Service.Namespace)
	}
	if err := c.applyAll(ctx, objects, out); err != nil {
		return err
	}
	if err := c.dropPolicies(ctx, options, out); err != nil {
		return err
	}
	err = c.wait(ctx, options, services && !byEndpoints, timeout, out)
	if !errors.Is(err, errExternalName) {
		return err
	}
	fmt.Fprintf(out, "the control plane reaches Services only through their endpoints: using the addresses of %s\n", options.Host)
	if objects, err = options.service(ctx, true); err != nil {
		return err
	}
	if err := c.applyAll(ctx, objects, out); err != nil {
		return err
	}
	return c.wait(ctx, options, false, timeout, out)
}

// trustBoth adds the authority in the current APIService to the options. If the server has a new authority, the cluster then
// trusts both.
func (c *Cluster) trustBoth(ctx context.Context, options *Options) error {
	current, err := c.apiService(ctx)
	if current == nil || err != nil {
		return err
	}
	options.Authority, err = bundle(options.Authority, current.Spec.CABundle, time.Now())
	return err
}

// service returns the Service that leads to the server: by EndpointSlice with the host's addresses, or by the host's name.
func (o Options) service(ctx context.Context, byEndpoints bool) ([]*unstructured.Unstructured, error) {
	if !byEndpoints {
		return o.serviceObjects(nil)
	}
	endpoints, err := lookUp(ctx, o.Host)
	if err != nil {
		return nil, err
	}
	return o.serviceObjects(endpoints)
}

func (c *Cluster) applyAll(ctx context.Context, objects []*unstructured.Unstructured, out io.Writer) error {
	for _, object := range objects {
		done, err := c.applyObject(ctx, object)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, describe(object), done)
	}
	return nil
}

// applyObject applies an object and returns "created", "configured" or "unchanged", as kubectl prints them. It leaves an
// existing Namespace as it is.
func (c *Cluster) applyObject(ctx context.Context, object *unstructured.Unstructured) (string, error) {
	client := c.resource(object)
	before, err := client.Get(ctx, object.GetName(), metav1.GetOptions{})
	missing := apierrors.IsNotFound(err)
	if err != nil && !missing {
		return "", c.explain("reading "+describe(object), err)
	}
	if !missing && object.GetKind() == "Namespace" {
		if before.GetDeletionTimestamp() != nil {
			return "", fmt.Errorf("%s is being deleted: wait until it is gone, then register again", describe(object))
		}
		return "unchanged", nil
	}
	after, err := client.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: fieldManager, Force: true})
	if err != nil {
		return "", c.explain("applying "+describe(object), err)
	}
	switch {
	case missing:
		return "created", nil
	case equality.Semantic.DeepEqual(comparable(before), comparable(after)):
		return "unchanged", nil
	}
	return "configured", nil
}

// comparable returns an object without its status and without the metadata that every write changes.
func comparable(object *unstructured.Unstructured) map[string]any {
	object = object.DeepCopy()
	delete(object.Object, "status")
	for _, field := range []string{"managedFields", "resourceVersion", "generation"} {
		unstructured.RemoveNestedField(object.Object, "metadata", field)
	}
	return object.Object
}

// lookUp returns the addresses of a host that can be endpoints. All are of one IP family, because an EndpointSlice has one.
func lookUp(ctx context.Context, host string) ([]string, error) {
	addresses, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("looking up the addresses of %s, because the control plane reaches the server only by address: %w: correct --address", host, err)
	}
	var usable, others []string
	for _, address := range addresses {
		if address.IP.IsGlobalUnicast() {
			usable = append(usable, address.IP.String())
		} else {
			others = append(others, address.IP.String())
		}
	}
	if len(usable) == 0 {
		return nil, fmt.Errorf("the control plane reaches the server only by its addresses, and Kubernetes refuses those of %s (%s): serve on another address of this machine (serve --bind-address) and register that one (--address)",
			host, strings.Join(others, ", "))
	}
	family := netutils.IsIPv6String(usable[0])
	return slices.DeleteFunc(usable, func(address string) bool { return netutils.IsIPv6String(address) != family }), nil
}
