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
	services, err := c.serves("v1", "services")
	if err != nil {
		return err
	}
	byEndpoints := netutils.IsIPv6String(options.Host)
	if services {
		already, err := c.checkService(ctx, options.Service)
		if err != nil {
			return err
		}
		byEndpoints = byEndpoints || already
	}
	err = c.apply(ctx, options, services, byEndpoints, out)
	if err != nil {
		return err
	}
	err = c.wait(ctx, options, services, timeout, out)
	if errors.Is(err, errExternalName) && services && !byEndpoints {
		fmt.Fprintln(out, "the cluster resolves no ExternalName Service: the addresses of", options.Host, "are used instead")
		if err := c.apply(ctx, options, services, true, out); err != nil {
			return err
		}
		err = c.wait(ctx, options, services, timeout, out)
	}
	return err
}

func (c *Cluster) apply(ctx context.Context, options Options, services, byEndpoints bool, out io.Writer) error {
	// A server that has another authority since the last time is trusted by both.
	current, err := c.apiService(ctx)
	if err != nil {
		return err
	}
	if current != nil {
		if options.Authority, err = bundle(options.Authority, current.Spec.CABundle, time.Now()); err != nil {
			return err
		}
	}
	objects, err := options.objects()
	if err != nil {
		return err
	}
	if services {
		var endpoints []string
		if byEndpoints {
			if endpoints, err = lookUp(ctx, options.Host); err != nil {
				return err
			}
		}
		service, err := options.serviceObjects(endpoints)
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
		return nil, fmt.Errorf("looking up the addresses of %s, by which alone this cluster can reach the server: %w: correct --address", host, err)
	}
	var usable, others []string
	for _, address := range addresses {
		if address.IP.IsGlobalUnicast() && !address.IP.IsLoopback() {
			usable = append(usable, address.IP.String())
		} else {
			others = append(others, address.IP.String())
		}
	}
	if len(usable) == 0 {
		return nil, fmt.Errorf("this cluster reaches servers by their addresses alone, and refuses those of %s (%s): serve on another address of this machine (serve --bind-address) and register that (--address)",
			host, strings.Join(others, ", "))
	}
	family := netutils.IsIPv6String(usable[0])
	return slices.DeleteFunc(usable, func(address string) bool { return netutils.IsIPv6String(address) != family }), nil
}
