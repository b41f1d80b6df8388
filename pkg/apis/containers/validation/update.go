// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// settableStates are the values that spec.state of a container can be set to.
var settableStates = []v1alpha1.ContainerState{
	v1alpha1.ContainerStateRunning,
	v1alpha1.ContainerStatePaused,
	v1alpha1.ContainerStateCreated,
}

// settableActions are the values that v1alpha1.ActionAnnotation can be set to.
var settableActions = []v1alpha1.ContainerAction{
	v1alpha1.ContainerActionStart,
	v1alpha1.ContainerActionStop,
	v1alpha1.ContainerActionPause,
	v1alpha1.ContainerActionUnpause,
	v1alpha1.ContainerActionRestart,
}

// ValidateContainerUpdate returns the errors of a change from old to updated. It checks only what changes: a container that
// others have made may have a spec that this API would not take.
func ValidateContainerUpdate(updated, old *v1alpha1.Container) field.ErrorList {
	errs := containers.ValidateContainerMetadataUpdate(updated, old)
	errs = append(errs, validateStateAndAction(updated, old)...)
	errs = append(errs, validateStopTimeout(updated)...)
	errs = append(errs, containers.ValidateImmutable(specPath, &updated.Spec, &old.Spec, "state", "env", "resources", "restartPolicy", "networks")...)
	errs = append(errs, validateEnvUnchanged(&updated.Spec, &old.Spec)...)
	if !apiequality.Semantic.DeepEqual(updated.Spec.Resources, old.Spec.Resources) {
		errs = append(errs, validateResources(&updated.Spec)...)
		errs = append(errs, validateRemovedLimits(updated.Spec.Resources, old.Spec.Resources)...)
	}
	if !apiequality.Semantic.DeepEqual(updated.Spec.RestartPolicy, old.Spec.RestartPolicy) {
		errs = append(errs, validateRestartPolicy(&updated.Spec)...)
	}
	if !apiequality.Semantic.DeepEqual(updated.Spec.Networks, old.Spec.Networks) {
		errs = append(errs, validateNetworks(&updated.Spec)...)
		if mode := old.Spec.NetworkMode; mode != "" && mode != modeBridge && len(updated.Spec.Networks) > 0 {
			errs = append(errs, field.Forbidden(specPath.Child("networks"), fmt.Sprintf("a container with networkMode %s cannot be connected to networks", mode)))
		}
	}
	return errs
}

// validateEnvUnchanged returns an error if the environment was changed. It says no values, because they may be secrets.
func validateEnvUnchanged(updated, old *v1alpha1.ContainerSpec) field.ErrorList {
	if apiequality.Semantic.DeepEqual(updated.Env, old.Env) {
		return nil
	}
	detail := apivalidation.FieldImmutableErrorMsg + ": " + changedVariables(updated.Env, old.Env)
	return field.ErrorList{field.Invalid(specPath.Child("env"), field.OmitValueType{}, detail)}
}

// changedVariables says which variables differ, without their values.
func changedVariables(updated, old []v1alpha1.ContainerEnvVar) string {
	before := map[string]string{}
	for _, variable := range old {
		before[variable.Name] = variable.Value
	}
	var changes []string
	for _, variable := range updated {
		value, isOld := before[variable.Name]
		switch {
		case !isOld:
			changes = append(changes, variable.Name+" is new")
		case value != variable.Value:
			changes = append(changes, variable.Name+" has another value")
		}
		delete(before, variable.Name)
	}
	for _, variable := range old {
		if _, isGone := before[variable.Name]; isGone {
			changes = append(changes, variable.Name+" is gone")
		}
	}
	if len(changes) == 0 {
		return "the order differs"
	}
	return strings.Join(changes, ", ")
}

// validateRemovedLimits returns the errors of limits that are left out. To Docker, no limit means the limit that is there.
func validateRemovedLimits(updated, old *v1alpha1.ContainerResources) field.ErrorList {
	if old == nil {
		return nil
	}
	if updated == nil {
		updated = &v1alpha1.ContainerResources{}
	}
	var errs field.ErrorList
	for _, limit := range []struct {
		name      string
		isRemoved bool
		instead   string
	}{
		{"cpu", old.CPU != nil && updated.CPU == nil, "set a larger one"},
		{"memory", old.Memory != nil && updated.Memory == nil, "set a larger one"},
		// Without a limit of its own, swap follows memory.
		{"memorySwap", old.MemorySwap != nil && updated.MemorySwap == nil && updated.Memory == nil, "set -1"},
		{"memoryReservation", old.MemoryReservation != nil && updated.MemoryReservation == nil, "set a larger one"},
		{"cpuShares", old.CPUShares != nil && updated.CPUShares == nil, "set 1024, which is the weight of a container without"},
		{"cpuset", old.Cpuset != "" && updated.Cpuset == "", "name all processors"},
	} {
		if limit.isRemoved {
			errs = append(errs, field.Required(specPath.Child("resources", limit.name),
				fmt.Sprintf("Docker cannot take this limit back from a container: %s, or replace the container", limit.instead)))
		}
	}
	return errs
}

func validateStateAndAction(updated, old *v1alpha1.Container) field.ErrorList {
	var errs field.ErrorList
	stateChanges := updated.Spec.State != old.Spec.State
	if stateChanges && !slices.Contains(settableStates, updated.Spec.State) {
		errs = append(errs, field.NotSupported(specPath.Child("state"), updated.Spec.State, settableStates))
	}

	if action, ok := updated.Annotations[v1alpha1.ActionAnnotation]; ok {
		path := field.NewPath("metadata", "annotations").Key(v1alpha1.ActionAnnotation)
		if !slices.Contains(settableActions, v1alpha1.ContainerAction(action)) {
			errs = append(errs, field.NotSupported(path, v1alpha1.ContainerAction(action), settableActions))
		}
		if stateChanges {
			errs = append(errs, field.Forbidden(path, "a request can change spec.state or carry an action, not both"))
		}
	}
	return errs
}

func validateStopTimeout(updated *v1alpha1.Container) field.ErrorList {
	timeout, ok := updated.Annotations[v1alpha1.StopTimeoutAnnotation]
	if !ok {
		return nil
	}
	path := field.NewPath("metadata", "annotations").Key(v1alpha1.StopTimeoutAnnotation)
	switch v1alpha1.ContainerAction(updated.Annotations[v1alpha1.ActionAnnotation]) {
	case v1alpha1.ContainerActionStop, v1alpha1.ContainerActionRestart:
	default:
		return field.ErrorList{field.Forbidden(path, "only the actions stop and restart have a timeout")}
	}
	if seconds, err := strconv.Atoi(timeout); err != nil || seconds < 0 || seconds > v1alpha1.MaxStopTimeoutSeconds {
		return field.ErrorList{field.Invalid(path, timeout, fmt.Sprintf("must be a number of seconds from 0 to %d", v1alpha1.MaxStopTimeoutSeconds))}
	}
	return nil
}
