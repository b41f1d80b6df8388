// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"cmp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// IsContainerName reports whether Docker takes a name for a container.
func IsContainerName(name string) bool { return nameGrammar.MatchString(name) }

// Protocols are the protocols of ports.
var Protocols = []corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP}

// ProtocolOf returns the protocol of a port, which is TCP by default.
func ProtocolOf(port v1alpha1.ContainerPublishedPort) corev1.Protocol {
	return cmp.Or(port.Protocol, corev1.ProtocolTCP)
}

// IsPlatform reports whether a text has the form of a platform. Docker decides which platforms there are.
func IsPlatform(platform string) bool { return platformGrammar.MatchString(platform) }

// ValidateContainerMetadataCreate returns the errors of the metadata of a new container. It is created with its labels.
func ValidateContainerMetadataCreate(container *v1alpha1.Container) field.ErrorList {
	updated := container.DeepCopy()
	updated.Labels = nil
	return unchangedMetadata(updated, &v1alpha1.Container{}, "cannot be set: Docker cannot store %s of a container")
}

// ValidateContainerMetadataUpdate returns the errors of changes of the metadata of a container.
func ValidateContainerMetadataUpdate(updated, old *v1alpha1.Container) field.ErrorList {
	return validateMetadataUpdate("a container", updated, old)
}

// ValidateImage returns the errors of the name of an image: a reference, or the ID of an image.
func ValidateImage(path *field.Path, image string) field.ErrorList {
	if IsImageID(image) {
		return nil
	}
	return validateReference(path, image, image)
}

// IsImageID reports whether the name of an image is a full ID.
func IsImageID(image string) bool {
	digits := strings.TrimPrefix(image, idAlgorithm)
	return len(digits) == idLength && strings.Trim(digits, "0123456789abcdef") == ""
}

// ValidateText refuses what no program can be given as an argument.
func ValidateText(path *field.Path, text string) field.ErrorList { return validateText(path, text) }
