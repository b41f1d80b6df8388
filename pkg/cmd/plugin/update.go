// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/plugin/runflags"
)

func newUpdateCommand(p *plugin) *cobra.Command {
	command := &cobra.Command{
		Use:   "update [OPTIONS] CONTAINER [CONTAINER...]",
		Short: "Update configuration of one or more containers",
		Long: "Changes the limits and the restart policy of one or more containers, while they run. Docker cannot take a limit\n" +
			"back, except that of --pids-limit: to remove another one, replace the container.",
		GroupID:           groupChange,
		Args:              someContainers,
		ValidArgsFunction: p.complete(isAny),
	}
	flags := runflags.NewUpdate(command.Flags())
	command.RunE = func(command *cobra.Command, arguments []string) error {
		limits, policy, err := flags.Value()
		if err != nil {
			return err
		}
		patch, err := updatePatch(limits, policy)
		if err != nil {
			return err
		}
		client, err := p.connect(command.Context(), p.warnings())
		if err != nil {
			return err
		}
		return p.each(command.Context(), arguments, 1, func(ctx context.Context, argument string) (string, error) {
			found, err := client.find(ctx, argument)
			if err != nil {
				return "", err
			}
			if _, err := client.Patch(ctx, found.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: fieldManager}); err != nil {
				return "", fmt.Errorf("cannot update %s: %w", argument, err)
			}
			return argument, nil
		})
	}
	values := cobra.FixedCompletions(flagValues["restart"], cobra.ShellCompDirectiveNoFileComp)
	_ = command.RegisterFlagCompletionFunc("restart", values) // the flag is there and has no function
	return command
}

// updatePatch returns the merge patch that sets what is not nil.
func updatePatch(limits *v1alpha1.ContainerResources, policy *v1alpha1.ContainerRestartPolicy) ([]byte, error) {
	spec := map[string]any{}
	if limits != nil {
		spec["resources"] = limits
	}
	if policy != nil {
		// A policy without a number takes the number of the former policy away.
		var retries any
		if policy.MaximumRetryCount != 0 {
			retries = policy.MaximumRetryCount
		}
		spec["restartPolicy"] = map[string]any{"name": policy.Name, "maximumRetryCount": retries}
	}
	return json.Marshal(map[string]any{"spec": spec})
}
