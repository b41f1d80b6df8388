// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// action is a command that the server carries out on a container.
type action struct {
	name  v1alpha1.ContainerAction
	short string
	// refuses says why docker refuses the command for a container in this state. The server would have nothing to do,
	// and succeed. It may be nil.
	refuses func(v1alpha1.ContainerState) string
	// completes reports whether the command makes sense for a container in this state.
	completes func(v1alpha1.ContainerState) bool
	// stops is whether the command stops the container, and so has a timeout.
	stops bool
	// limit is how many containers docker acts on at the same time. Where it is one, the order matters to users.
	limit int
}

var actions = []action{
	{name: v1alpha1.ContainerActionStart, short: "Start one or more stopped containers", completes: isStopped, limit: 1},
	{name: v1alpha1.ContainerActionStop, short: "Stop one or more running containers", completes: isUp, limit: together, stops: true},
	{name: v1alpha1.ContainerActionRestart, short: "Restart one or more containers", completes: isAny, limit: 1, stops: true},
	{name: v1alpha1.ContainerActionPause, short: "Pause all processes within one or more containers", completes: isRunning, limit: together,
		refuses: func(state v1alpha1.ContainerState) string { return when(isPaused(state), "it is already paused") }},
	{name: v1alpha1.ContainerActionUnpause, short: "Unpause all processes within one or more containers", completes: isPaused, limit: together,
		refuses: func(state v1alpha1.ContainerState) string { return when(isRunning(state), "it is not paused") }},
}

func isAny(v1alpha1.ContainerState) bool           { return true }
func isRunning(state v1alpha1.ContainerState) bool { return state == v1alpha1.ContainerStateRunning }
func isPaused(state v1alpha1.ContainerState) bool  { return state == v1alpha1.ContainerStatePaused }
func isStopped(state v1alpha1.ContainerState) bool { return state == v1alpha1.ContainerStateCreated }
func isUp(state v1alpha1.ContainerState) bool      { return !isStopped(state) }

func when(condition bool, words string) string {
	if condition {
		return words
	}
	return ""
}

func newActionCommand(p *plugin, a action) *cobra.Command {
	var timeout int
	command := &cobra.Command{
		Use:               string(a.name) + " CONTAINER [CONTAINER...]",
		Short:             a.short,
		GroupID:           groupChange,
		Args:              someContainers,
		ValidArgsFunction: p.complete(a.completes),
		RunE: func(command *cobra.Command, arguments []string) error {
			// The warning that an action failed repeats what is in status.lastAction.
			client, err := p.connect(command.Context(), rest.NoWarnings{})
			if err != nil {
				return err
			}
			annotations := map[string]string{v1alpha1.ActionAnnotation: string(a.name)}
			if command.Flags().Changed("timeout") {
				annotations[v1alpha1.StopTimeoutAnnotation] = strconv.Itoa(timeout)
			}
			return p.each(command.Context(), arguments, a.limit, func(ctx context.Context, argument string) (string, error) {
				return argument, client.act(ctx, argument, a, annotations)
			})
		},
	}
	if a.stops {
		command.Flags().IntVarP(&timeout, "timeout", "t", 0, "Seconds to wait before killing the container (default that of the container)")
		command.Flags().SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
			if name == "time" { // docker's former name
				name = "timeout"
			}
			return pflag.NormalizedName(name)
		})
	}
	return command
}

// act has the server carry out the action in the annotations, and returns Docker's error if Docker refused it.
func (c *containers) act(ctx context.Context, argument string, a action, annotations map[string]string) error {
	before, err := c.find(ctx, argument)
	if err != nil {
		return err
	}
	if a.refuses != nil {
		if reason := a.refuses(before.Spec.State); reason != "" {
			return fmt.Errorf("cannot %s %s: %s", a.name, argument, reason)
		}
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": annotations}})
	if err != nil {
		return err
	}
	after, err := c.Patch(ctx, before.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
	if goesOn(err) {
		after, err = c.outcome(ctx, before)
	}
	if err != nil {
		return fmt.Errorf("cannot %s %s: %w", a.name, argument, err)
	}
	if last := after.Status.LastAction; last != nil && last.Action == a.name && last.State == v1alpha1.ContainerActionFailed {
		return fmt.Errorf("cannot %s %s: %s", a.name, argument, last.Error)
	}
	return nil
}

// goesOn reports whether Docker carries out the request after the server had to answer it. A request that was not begun
// may be repeated, and has a time to do so.
func goesOn(err error) bool {
	if !apierrors.IsTimeout(err) {
		return false
	}
	seconds, _ := apierrors.SuggestsClientDelay(err)
	return seconds == 0
}

// outcome waits for the end of an action that was requested when the container was as in before.
func (c *containers) outcome(ctx context.Context, before *v1alpha1.Container) (after *v1alpha1.Container, err error) {
	err = c.follow(ctx, before, func(event watch.EventType, current *v1alpha1.Container) (bool, error) {
		after = current
		if event == watch.Deleted {
			return false, errRemoved
		}
		return !apiequality.Semantic.DeepEqual(current.Status.LastAction, before.Status.LastAction), nil
	})
	return after, err
}
