// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package validation sets the defaults of Containers and validates them. It does not check what only the engine knows: which
// networks, drivers and runtimes there are, and what is on the engine's host.
package validation

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// specPath is the path of the spec of a container.
var specPath = field.NewPath("spec")

var pullPolicies = []v1alpha1.ContainerImagePullPolicy{
	v1alpha1.ContainerPullIfNotPresent, v1alpha1.ContainerPullAlways, v1alpha1.ContainerPullNever,
}

// ValidateContainerCreate returns the errors of a new container, with or without its defaults.
func ValidateContainerCreate(container *v1alpha1.Container) field.ErrorList {
	spec := &container.Spec
	errs := validateNewMetadata(container)
	if spec.State != "" {
		errs = append(errs, oneOf(specPath.Child("state"), spec.State, settableStates)...)
	}
	errs = append(errs, validateImage(spec)...)
	errs = append(errs, validateLabels(container)...)
	for _, validate := range []func(*v1alpha1.ContainerSpec) field.ErrorList{
		validateProcess, validateHostNames, validatePorts, validateNetworkMode, validateNetworks, validateDNS, validateMounts,
		validateResources, validateHost, validateRestartPolicy, validateHealthCheck, validateSecurity, validateNamespaces, validateLogging,
	} {
		errs = append(errs, validate(spec)...)
	}
	return errs
}

// validateNewMetadata returns the errors of the metadata of a new container. The generic registry checks what holds for all
// kinds.
func validateNewMetadata(container *v1alpha1.Container) field.ErrorList {
	errs := containers.ValidateContainerMetadataCreate(container)
	path := field.NewPath("metadata")
	if name := container.Name; name != "" && !containers.IsContainerName(name) {
		errs = append(errs, field.Invalid(path.Child("name"), name,
			"must have two characters or more: letters, digits, '_', '.' and '-', and a letter or a digit first"))
	}
	for _, annotation := range []string{v1alpha1.ActionAnnotation, v1alpha1.StopTimeoutAnnotation} {
		if _, given := container.Annotations[annotation]; given {
			errs = append(errs, field.Forbidden(path.Child("annotations").Key(annotation),
				"only a container that exists can be acted on: set spec.state to running or created instead"))
		}
	}
	return errs
}

func validateImage(spec *v1alpha1.ContainerSpec) field.ErrorList {
	errs := containers.ValidateImage(specPath.Child("image"), spec.Image)
	if spec.ImagePullPolicy != "" {
		path := specPath.Child("imagePullPolicy")
		errs = append(errs, oneOf(path, spec.ImagePullPolicy, pullPolicies)...)
		if spec.ImagePullPolicy == v1alpha1.ContainerPullAlways && containers.IsImageID(spec.Image) {
			errs = append(errs, field.Invalid(path, spec.ImagePullPolicy, "must be IfNotPresent or Never, because spec.image is an ID, and IDs cannot be pulled"))
		}
	}
	if spec.Platform != "" && !containers.IsPlatform(spec.Platform) {
		errs = append(errs, field.Invalid(specPath.Child("platform"), spec.Platform, "must be a platform, such as linux/arm64"))
	}
	for i, secret := range spec.PullSecrets {
		path := specPath.Child("pullSecrets").Index(i)
		for _, reason := range validation.IsDNS1123Subdomain(secret) {
			errs = append(errs, field.Invalid(path, secret, reason))
		}
	}
	return append(errs, unique(specPath.Child("pullSecrets"), spec.PullSecrets)...)
}

// validateLabels returns the errors of the labels that a new container gets in Docker.
func validateLabels(container *v1alpha1.Container) field.ErrorList {
	var errs field.ErrorList
	for _, labels := range []struct {
		path   *field.Path
		labels map[string]string
	}{{field.NewPath("metadata", "labels"), container.Labels}, {specPath.Child("labels"), container.Spec.Labels}} {
		if _, given := labels.labels[v1alpha1.FieldsLabel]; given {
			errs = append(errs, field.Forbidden(labels.path.Key(v1alpha1.FieldsLabel), "the server sets this label by itself"))
		}
	}
	return append(errs, containers.ValidateSpecLabels(container.Labels, container.Spec.Labels)...)
}

// oneOf returns an error if a value is not among those that are supported.
func oneOf[T ~string](path *field.Path, value T, supported []T) field.ErrorList {
	switch {
	case slices.Contains(supported, value):
		return nil
	case value == "":
		return field.ErrorList{field.Required(path, fmt.Sprintf("must be one of %q", supported))}
	}
	return field.ErrorList{field.NotSupported(path, value, supported)}
}

// part is a field, and whether it is given.
type part struct {
	field string
	given bool
}

// forbidden returns an error for each field that is given.
func forbidden(path *field.Path, reason string, parts []part) field.ErrorList {
	var errs field.ErrorList
	for _, part := range parts {
		if part.given {
			errs = append(errs, field.Forbidden(path.Child(part.field), reason))
		}
	}
	return errs
}

// unique returns an error for each text that stands in a list before.
func unique(path *field.Path, list []string) field.ErrorList {
	var errs field.ErrorList
	for i, text := range list {
		if slices.Contains(list[:i], text) {
			errs = append(errs, field.Duplicate(path.Index(i), text))
		}
	}
	return errs
}

// texts returns the errors of a list of texts that a program or Docker is given.
func texts(path *field.Path, list []string) field.ErrorList {
	var errs field.ErrorList
	for i, text := range list {
		errs = append(errs, containers.ValidateText(path.Index(i), text)...)
	}
	return errs
}

// words returns the errors of a list of texts that must not be empty.
func words(path *field.Path, list []string, what string) field.ErrorList {
	errs := texts(path, list)
	for i, text := range list {
		if text == "" {
			errs = append(errs, field.Required(path.Index(i), "must be "+what))
		}
	}
	return errs
}
