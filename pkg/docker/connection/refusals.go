// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package connection

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// refusal is a kind of answer in which Docker says that it works, but cannot do what it was asked to do.
type refusal struct {
	reason metav1.StatusReason
	words  *regexp.Regexp
}

// outOfSpace matches Docker's words when the disk or the memory is full. A deletion with this error is no refusal, because
// it may have been carried out in part: Docker removes a tag before it writes that to the disk.
const outOfSpace = `no space left on device|disk quota exceeded|cannot allocate memory`

var deletionOutOfSpace = Fold(outOfSpace)

// knownRefusals recognizes refusals by Docker's words. Their status says little: it is mostly 500, but also 400, 403,
// 404 or 503.
var knownRefusals = []refusal{
	// The state of the container forbids it.
	conflict(`already paused|\bnot paused\b`),
	conflict(`\bnot running\b|non running container`),
	conflict(`is restarting, wait until`),
	conflict(`already in progress|marked for removal`),
	conflict(`state improper`), // podman

	// Something else uses what the container or the object needs.
	conflict(`\bin use\b|being used|currently used by`), // a name, a port, an address, a volume, an image
	conflict(`port is already allocated|Ports are not available`),
	conflict(`already exists|already attached to network|already using parent interface`),
	conflict(`active (?:mounts|endpoints|containers)`),
	conflict(`device or resource busy`),
	conflict(`no available (?:IPv[46] )?addresses|available, non-overlapping IPv[46] address pool|fully subnetted`),
	conflict(`Pool overlaps with|conflicts with network|networks have`),

	// The engine needs the object itself.
	{metav1.StatusReasonForbidden, Fold(`default network \S+ cannot be removed`)}, // podman

	// The engine or its host lacks what the container needs.
	missing(`could not select device driver|CDI device injection failed|nvidia-container-cli`),
	missing(`error gathering device information`),
	missing(`unknown (?:or invalid )?runtime`),
	missing(`network \S+ not found|could not find a network`),
	missing(`not a swarm manager`),
	missing(`failed to parse \S+ value`), // of a network driver's option
	missing(`plugin (?:\S+ )?(?:not found|found but disabled)|error looking up \w+ plugin|volume driver not found`),
	missing(`bind source path does not exist|error while creating mount source path`),
	missing(`error while mounting volume|failed to mount local volume`),
	missing(`is not a shared (?:or slave )?mount`),
	missing(outOfSpace),
	missing(`cannot assign requested address|cannot expose privileged port`),
	missing(`kernel does not support|is not enabled in your kernel|cgroup mountpoint does not exist`),
	missing(`Requested (?:CPUs|memory nodes) are not available|range of CPUs is from`),
	missing(`no log driver named|failed to initialize logging driver`),
	missing(`non-shareable IPC|does not belong to the default network`),
}

func conflict(words string) refusal { return refusal{metav1.StatusReasonConflict, Fold(words)} }

func missing(words string) refusal { return refusal{metav1.StatusReasonInvalid, Fold(words)} }

// Fold compiles an expression that ignores case, because releases of the engine differ in it.
func Fold(words string) *regexp.Regexp { return regexp.MustCompile(`(?i)` + words) }

// refusalOf returns the reason of a refusal with these words. It returns StatusReasonUnknown if it does not know the
// words.
func refusalOf(words string) metav1.StatusReason {
	for _, r := range knownRefusals {
		if r.words.MatchString(words) {
			return r.reason
		}
	}
	return metav1.StatusReasonUnknown
}

// noDriver matches Docker's words when it has no driver for a new volume or network.
var noDriver = Fold(`plugin|volume driver|swarm manager`)

// fieldOf returns the field that asks for what this engine cannot do.
func fieldOf(verb, words string) string {
	switch {
	case verb != "create":
		return "spec.state"
	case noDriver.MatchString(words):
		return "spec.driver"
	}
	return "spec"
}

// unprocessable returns the error for what this engine cannot bring about: a state, or the spec of a new object. A deletion asks for no state, so its
// error is a conflict.
func unprocessable(verb string, resource schema.GroupResource, name, words string) *apierrors.StatusError {
	if verb == "delete" {
		return apierrors.NewConflict(resource, name, errors.New(words))
	}
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure,
		Code:   http.StatusUnprocessableEntity,
		Reason: metav1.StatusReasonInvalid,
		Details: &metav1.StatusDetails{
			Group: resource.Group,
			Kind:  resource.Resource,
			Name:  name,
			Causes: []metav1.StatusCause{{
				Type: metav1.CauseTypeFieldValueInvalid, Field: fieldOf(verb, words), Message: words,
			}},
		},
		Message: fmt.Sprintf("Docker cannot %s %s %q: %s", verb, resource.Resource, name, words),
	}}
}
