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

// Register applies a registration, says to out what it did, and waits until the server is available through the cluster.
func (c *Cluster) Register(ctx context.Context, options Options, timeout time.Duration, out io.Writer) error {
	if err := c.Check(ctx); err != nil {
		return err
	}
	if err := c.checkConflicts(ctx, options.Service); err != nil {
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
		fmt.Fprintf(out, "the control plane has no Services: %s.%s.svc must lead to the server there\n", options.Service.Name, options.Service.Namespace)
	}
	if err := c.applyAll(ctx, objects, out); err != nil {
		return err
	}
	err = c.wait(ctx, options, services && !byEndpoints, timeout, out)
	if !errors.Is(err, errExternalName) {
		return err
	}
	fmt.Fprintf(out, "the control plane reaches Services by their endpoints alone: the addresses of %s become those\n", options.Host)
	if objects, err = options.service(ctx, true); err != nil {
		return err
	}
	if err := c.applyAll(ctx, objects, out); err != nil {
		return err
	}
	return c.wait(ctx, options, false, timeout, out)
}

// trustBoth has the cluster go on to trust a server that has another authority since the last time by the former as well.
func (c *Cluster) trustBoth(ctx context.Context, options *Options) error {
	current, err := c.apiService(ctx)
	if current == nil || err != nil {
		return err
	}
	options.Authority, err = bundle(options.Authority, current.Spec.CABundle, time.Now())
	return err
}

// service returns what leads to the server, by its name or by its addresses.
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

// applyObject makes the object what it should be and says what that took. A Namespace that is there stays as it is.
func (c *Cluster) applyObject(ctx context.Context, object *unstructured.Unstructured) (string, error) {
	client := c.resource(object)
	before, err := client.Get(ctx, object.GetName(), metav1.GetOptions{})
	missing := apierrors.IsNotFound(err)
	if err != nil && !missing {
		return "", c.explain("reading "+describe(object), err)
	}
	if !missing && object.GetKind() == "Namespace" {
		if before.GetDeletionTimestamp() != nil {
			return "", fmt.Errorf("%s is being deleted: register again when it is gone", describe(object))
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

// comparable leaves out of an object what says nothing about what it is.
func comparable(object *unstructured.Unstructured) map[string]any {
	object = object.DeepCopy()
	delete(object.Object, "status")
	for _, field := range []string{"managedFields", "resourceVersion", "generation"} {
		unstructured.RemoveNestedField(object.Object, "metadata", field)
	}
	return object.Object
}

// lookUp returns the addresses of one family that endpoints of a host can have.
func lookUp(ctx context.Context, host string) ([]string, error) {
	addresses, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("looking up the addresses of %s, by which alone the control plane can reach the server: %w: correct --address", host, err)
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
		return nil, fmt.Errorf("the control plane reaches this server by its addresses alone, and Kubernetes refuses those of %s (%s): serve on another address of this machine (serve --bind-address) and register that (--address)",
			host, strings.Join(others, ", "))
	}
	family := netutils.IsIPv6String(usable[0])
	return slices.DeleteFunc(usable, func(address string) bool { return netutils.IsIPv6String(address) != family }), nil
}
