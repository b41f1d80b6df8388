// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// HideValues returns the variables without their values.
func HideValues(env []v1alpha1.ContainerEnvVar) []v1alpha1.ContainerEnvVar {
	if env == nil {
		return nil
	}
	hidden := make([]v1alpha1.ContainerEnvVar, len(env))
	for i := range env {
		hidden[i].Name = env[i].Name
	}
	return hidden
}

// HideKnownValues returns a copy of updated in which each value that equals the known one is empty. An empty value means that
// the variable keeps its value. So a client may send back what it was shown, or what it gave before, and changes nothing.
func HideKnownValues(updated, known []v1alpha1.ContainerEnvVar) []v1alpha1.ContainerEnvVar {
	values := make(map[string]string, len(known))
	for _, variable := range known {
		values[variable.Name] = variable.Value
	}
	hidden := append([]v1alpha1.ContainerEnvVar(nil), updated...)
	for i := range hidden {
		if value, isKnown := values[hidden[i].Name]; isKnown && hidden[i].Value == value {
			hidden[i].Value = ""
		}
	}
	return hidden
}

// HideAppliedValues takes the values of variables out of the configuration that kubectl applied last. kubectl puts all of the
// object there. If the configuration cannot be read, HideAppliedValues removes the annotation.
func HideAppliedValues(object metav1.Object) {
	const annotation = corev1.LastAppliedConfigAnnotation
	annotations := object.GetAnnotations()
	applied, given := annotations[annotation]
	if !given {
		return
	}
	delete(annotations, annotation)
	var configuration map[string]any
	if err := json.Unmarshal([]byte(applied), &configuration); err != nil {
		return
	}
	if spec, ok := configuration["spec"].(map[string]any); ok {
		hideValuesIn(spec)
	}
	text, err := json.Marshal(configuration)
	if err != nil {
		return
	}
	annotations[annotation] = string(text) + "\n"
}

// hideValuesIn takes the values of variables out of a spec. It removes env if env is not a list of objects.
func hideValuesIn(spec map[string]any) {
	env, _ := spec["env"].([]any)
	for _, item := range env {
		variable, ok := item.(map[string]any)
		if !ok {
			env = nil
			break
		}
		delete(variable, "value")
	}
	if env == nil {
		delete(spec, "env")
	}
}
