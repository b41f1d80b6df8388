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
	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// completionTimeout is how long a shell may wait for the names. Then it offers none.
const completionTimeout = 5 * time.Second

// completeFirst is like complete for commands that take one container, and then something else.
func (p *plugin) completeFirst(matches func(v1alpha1.ContainerState) bool) cobra.CompletionFunc {
	return func(command *cobra.Command, given []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(given) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return p.complete(matches)(command, given, begun)
	}
}

// complete returns a function that completes the names of the containers whose state matches.
func (p *plugin) complete(matches func(v1alpha1.ContainerState) bool) cobra.CompletionFunc {
	return func(command *cobra.Command, given []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(command.Context(), completionTimeout)
		defer cancel()
		client, err := p.connect(ctx, rest.NoWarnings{})
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		list, err := client.List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var names []cobra.Completion
		for i := range list.Items {
			c := &list.Items[i]
			if strings.HasPrefix(c.Name, begun) && matches(c.Spec.State) && !slices.Contains(given, c.Name) {
				names = append(names, cobra.CompletionWithDesc(c.Name, string(c.Status.Status)+", "+c.Status.Image))
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
