// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned"
	typedv1alpha1 "github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned/typed/containers/v1alpha1"
)

const (
	// fieldManager is the name by which the server knows the plugin's changes.
	fieldManager = "kubectl-engine"
	// usualNamespace is where a server shows its engine unless it is told otherwise. It is tried if the user may not see
	// in which namespace the engine is.
	usualNamespace = "rancher-desktop"
)

// engine is a client for one engine.
type engine struct {
	kinds     typedv1alpha1.ContainersV1alpha1Interface
	namespace string
	config    *rest.Config
	rest      rest.Interface
	discovery discovery.DiscoveryInterface
}

// containers is a client for the containers of one engine.
type containers struct {
	typedv1alpha1.ContainerInterface
	*engine
}

// connect returns a client for the containers that the flags mean.
func (p *plugin) connect(ctx context.Context, warnings rest.WarningHandler) (*containers, error) {
	e, err := p.engine(ctx, warnings)
	if err != nil {
		return nil, err
	}
	return &containers{ContainerInterface: e.kinds.Containers(e.namespace), engine: e}, nil
}

// engine returns a client for the engine that the flags mean.
func (p *plugin) engine(ctx context.Context, warnings rest.WarningHandler) (*engine, error) {
	loader := p.flags.ToRawKubeConfigLoader()
	kubeconfig, err := loader.RawConfig()
	if err != nil {
		return nil, fmt.Errorf("cannot read the kubeconfig: %w", err)
	}
	if len(kubeconfig.Clusters) == 0 && *p.flags.APIServer == "" {
		return nil, errors.New("there is no kubeconfig: name it with --kubeconfig or $KUBECONFIG (engine-apiserver prints where its own is)")
	}
	config, err := p.flags.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("cannot use the kubeconfig: %w", err)
	}
	config.QPS = -1 // the server limits its clients
	config.WarningHandler = warnings
	clients, err := versioned.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("cannot use the kubeconfig: %w", err)
	}
	namespace := *p.flags.Namespace
	if namespace == "" {
		if current := kubeconfig.Contexts[cmp.Or(*p.flags.Context, kubeconfig.CurrentContext)]; current != nil {
			namespace = current.Namespace
		}
	}
	if namespace == "" {
		if namespace, err = engineNamespace(ctx, clients); err != nil {
			return nil, err
		}
	}
	return &engine{
		kinds:     clients.ContainersV1alpha1(),
		namespace: namespace,
		config:    config,
		rest:      clients.ContainersV1alpha1().RESTClient(),
		discovery: clients.Discovery(),
	}, nil
}

// container returns the container with this name or ID, and the client that found it.
func (p *plugin) container(ctx context.Context, argument string) (*containers, *v1alpha1.Container, error) {
	client, err := p.connect(ctx, p.warnings())
	if err != nil {
		return nil, nil, err
	}
	found, err := client.find(ctx, argument)
	return client, found, err
}

// warnings returns a handler that prints the server's warnings.
func (p *plugin) warnings() rest.WarningHandler {
	return rest.NewWarningWriter(p.ErrOut, rest.WarningWriterOptions{Deduplicate: true})
}

// engineNamespace returns the only namespace that has an engine.
func engineNamespace(ctx context.Context, clients versioned.Interface) (string, error) {
	engines, err := clients.ContainersV1alpha1().Engines(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	switch {
	case apierrors.IsForbidden(err):
		return usualNamespace, nil
	case err != nil:
		return "", err
	}
	var namespaces []string
	for _, engine := range engines.Items {
		namespaces = append(namespaces, engine.Namespace)
	}
	slices.Sort(namespaces)
	namespaces = slices.Compact(namespaces)
	switch len(namespaces) {
	case 0:
		return "", errors.New("no namespace of the server has an engine")
	case 1:
		return namespaces[0], nil
	}
	return "", fmt.Errorf("several namespaces have an engine: choose one with -n: %s", strings.Join(namespaces, ", "))
}

// partOfID matches what may be the beginning of an ID. The server itself knows the full ID and its first 12 digits.
var partOfID = regexp.MustCompile(`^[0-9a-f]{1,63}$`)

// find returns the container with this name or ID. As with docker, the beginning of an ID is enough if no other ID
// begins with it.
func (c *containers) find(ctx context.Context, argument string) (*v1alpha1.Container, error) {
	name := strings.TrimPrefix(argument, "/")
	found, err := c.Get(ctx, name, metav1.GetOptions{})
	if isAbsent(err) {
		return byPartOfID(ctx, name, err, c.List, func(c *v1alpha1.Container) string { return c.Status.ID })
	}
	return found, err
}

// lister is the List method of the client of a kind.
type lister[L runtime.Object] func(context.Context, metav1.ListOptions) (L, error)

// byPartOfID returns the object whose ID begins with part. notThere is the error with which the server has said that no object
// has this name. byPartOfID returns it if no ID begins with part, or if the user may not list the objects.
func byPartOfID[T, L runtime.Object](ctx context.Context, part string, notThere error, list lister[L], idOf func(T) string) (found T, err error) {
	if !partOfID.MatchString(part) {
		return found, notThere
	}
	all, err := listed[T](ctx, list, metav1.ListOptions{})
	if apierrors.IsForbidden(err) {
		return found, notThere
	}
	if err != nil {
		return found, err
	}
	matching := slices.DeleteFunc(all, func(object T) bool { return !strings.HasPrefix(idOf(object), part) })
	switch len(matching) {
	case 0:
		return found, notThere
	case 1:
		return matching[0], nil
	}
	return found, fmt.Errorf("the IDs of %d %s begin with %s", len(matching), notFound(notThere).Kind, part)
}

// listed returns the objects of a kind that the options select.
func listed[T, L runtime.Object](ctx context.Context, list lister[L], options metav1.ListOptions) (objects []T, err error) {
	all, err := list(ctx, options)
	if err != nil {
		return nil, err
	}
	err = meta.EachListItem(all, func(object runtime.Object) error {
		objects = append(objects, object.(T))
		return nil
	})
	return objects, err
}
