// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// completionTimeout is how long a shell may wait for the names. Then it offers none.
const completionTimeout = 5 * time.Second

// completeFirst is like complete for commands that take one container, and then something else.
func (p *plugin) completeFirst(matches func(v1alpha1.ContainerState) bool) cobra.CompletionFunc {
	return onlyFirst(p.complete(matches))
}

// onlyFirst returns a function that completes only the first argument.
func onlyFirst(complete cobra.CompletionFunc) cobra.CompletionFunc {
	return func(command *cobra.Command, given []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(given) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return complete(command, given, begun)
	}
}

// completePath completes the arguments of a copy: the names of containers with a colon, and local files.
func (p *plugin) completePath(command *cobra.Command, given []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	inContainer := func(argument string) bool { return parseCopyPath(argument).container != "" }
	switch {
	case len(given) > 1 || inContainer(begun):
		return nil, cobra.ShellCompDirectiveNoFileComp
	case len(given) == 1 && inContainer(given[0]):
		return nil, cobra.ShellCompDirectiveDefault
	}
	names, directive := p.complete(isAny)(command, nil, begun)
	if directive == cobra.ShellCompDirectiveError || len(names) == 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	for i, offer := range names {
		name, description, _ := strings.Cut(offer, "\t")
		names[i] = cobra.CompletionWithDesc(name+":", description)
	}
	return names, cobra.ShellCompDirectiveNoSpace
}

// complete returns a function that completes the names of the containers whose state matches.
func (p *plugin) complete(matches func(v1alpha1.ContainerState) bool) cobra.CompletionFunc {
	return p.completeNames(func(ctx context.Context, e *engine) ([]offer, error) {
		return offers(ctx, e.kinds.Containers(e.namespace).List, func(c *v1alpha1.Container) offer {
			if !matches(c.Spec.State) {
				return offer{}
			}
			return offer{c.Name, string(c.Status.Status) + ", " + c.Spec.Image}
		})
	})
}

// offer is a name that a shell offers, and what it says of it.
type offer struct{ name, description string }

// offers returns what a shell offers of the objects of a kind. An object for which of returns no name is not offered.
func offers[T, L runtime.Object](ctx context.Context, list lister[L], of func(T) offer) (offered []offer, err error) {
	objects, err := listed[T](ctx, list, metav1.ListOptions{})
	for _, object := range objects {
		if o := of(object); o.name != "" {
			offered = append(offered, o)
		}
	}
	return offered, err
}

// completeNames returns a function that completes the names that list returns. It offers none that is given already.
func (p *plugin) completeNames(list func(context.Context, *engine) ([]offer, error)) cobra.CompletionFunc {
	return func(command *cobra.Command, given []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(command.Context(), completionTimeout)
		defer cancel()
		client, err := p.engine(ctx, rest.NoWarnings{})
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		offered, err := list(ctx, client)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var names []cobra.Completion
		for _, o := range offered {
			if strings.HasPrefix(o.name, begun) && !slices.Contains(given, o.name) {
				names = append(names, cobra.CompletionWithDesc(o.name, o.description))
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
