// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
)

var (
	// nameIsTaken matches Docker's refusal of a name that another container has. podman says the second.
	nameIsTaken = connection.Fold(`container name "[^"]*" is already in use|name .* is already in use: that name is already in use`)
	// noSuchImage matches Docker's words for an image that is not there.
	noSuchImage = connection.Fold(`no such image|image not known`)
)

// atFault says which field of the spec Docker's words are about.
type atFault struct {
	words *regexp.Regexp
	field func(wanted *v1alpha1.Container, words string) *field.Path
}

// faults recognizes by Docker's words which field a refusal is about. Most of the refusals have the status 400 or 404, and
// what a field says alone is checked before. The first match counts.
var faults = []atFault{
	at(`no command specified`, specPath.Child("command")),
	{connection.Fold(`no such container|cannot join own`), sharedWith},
	at(`logging plugin|logging driver|log driver|log opt`, specPath.Child("logging")),
	{connection.Fold(`bind source path|mount|volume`), mountNamed},
	{connection.Fold(`connecting it to the network|network|endpoint|subnet`), networkNamed},
	at(`runtime`, specPath.Child("runtime")),
	at(`memory|swap`, specPath.Child("resources", "memory")),
	at(`requested cpus|cpuset`, specPath.Child("resources", "cpuset")),
	at(`range of cpus`, specPath.Child("resources", "cpu")),
	at(`capabilit`, specPath.Child("securityContext", "capabilities")),
	at(`seccomp|apparmor|selinux|security-opt`, specPath.Child("securityContext", "securityOpts")),
	at(`signal`, specPath.Child("stopSignal")),
	at(`port`, specPath.Child("ports")),
}

func at(words string, path *field.Path) atFault {
	return atFault{connection.Fold(words), func(*v1alpha1.Container, string) *field.Path { return path }}
}

// mountNamed returns the mount whose target, source or driver the words name.
func mountNamed(wanted *v1alpha1.Container, words string) *field.Path {
	return itemNamed(specPath.Child("mounts"), wanted.Spec.Mounts, func(m v1alpha1.ContainerMount) bool {
		return hasWord(words, m.Target) || hasWord(words, m.Source) || m.Volume != nil && hasWord(words, m.Volume.Driver)
	})
}

// networkNamed returns the network that the words name.
func networkNamed(wanted *v1alpha1.Container, words string) *field.Path {
	if len(wanted.Spec.Networks) == 0 {
		return specPath.Child("networkMode")
	}
	return itemNamed(specPath.Child("networks"), wanted.Spec.Networks, func(n v1alpha1.ContainerNetworkAttachment) bool {
		return hasWord(words, n.Name)
	})
}

// sharedWith returns the field that names a container whose namespace is shared.
func sharedWith(wanted *v1alpha1.Container, words string) *field.Path {
	for _, mode := range sharingModes(&wanted.Spec) {
		if hasWord(words, mode.container) {
			return specPath.Child(mode.field)
		}
	}
	return specPath
}

// itemNamed returns the first item of a list that the words name, or else the list.
func itemNamed[T any](path *field.Path, list []T, isNamed func(T) bool) *field.Path {
	if i := slices.IndexFunc(list, isNamed); i >= 0 {
		return path.Index(i)
	}
	return path
}

// hasWord reports whether the words have the word, which may stand in quotes.
func hasWord(words, word string) bool {
	return word != "" && slices.ContainsFunc(strings.Fields(words), func(s string) bool { return strings.Trim(s, `"'.,:;()`) == word })
}

// creationError returns the error for Docker's refusal to make a container. It names the field that Docker's words are
// about, where that can be known. An error of the API stays as it is.
func creationError(wanted *v1alpha1.Container, err error) error {
	if status := apierrors.APIStatus(nil); errors.As(err, &status) {
		return err
	}
	words := connection.Words(err)
	isMissing, isWrong := errdefs.IsNotFound(err), errdefs.IsInvalidArgument(err)
	switch {
	case nameIsTaken.MatchString(words):
		return apierrors.NewAlreadyExists(containerResource, wanted.Name)
	case isMissing && noSuchImage.MatchString(words):
		return invalid(wanted, missingImage(wanted, words))
	case !isMissing && !isWrong && !connection.IsImpossible(err):
		return err
	}
	return invalid(wanted, field.Invalid(faultOf(wanted, words), field.OmitValueType{}, words))
}

// missingImage returns the error for the image that is not there: that of the container, or one that it mounts.
func missingImage(wanted *v1alpha1.Container, words string) *field.Error {
	own, _ := names.NormalReference(wanted.Spec.Image)
	for i, m := range wanted.Spec.Mounts {
		if image, _ := names.NormalReference(m.Source); m.Type == v1alpha1.ContainerMountImage && image != own && hasWord(words, image) {
			return field.NotFound(specPath.Child("mounts").Index(i).Child("source"), m.Source)
		}
	}
	return field.NotFound(specPath.Child("image"), wanted.Spec.Image)
}

// faultOf returns the field that Docker's words are about, or else the whole spec.
func faultOf(wanted *v1alpha1.Container, words string) *field.Path {
	for _, fault := range faults {
		if fault.words.MatchString(words) {
			return fault.field(wanted, words)
		}
	}
	return specPath
}

func invalid(wanted *v1alpha1.Container, errs ...*field.Error) error {
	return apierrors.NewInvalid(v1alpha1.Kind("Container"), wanted.Name, errs)
}
