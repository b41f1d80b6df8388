// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/distribution/reference"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

const (
	maxCommandLength = 40
	maxReasonLength  = 80
)

type column = registry.Column[*v1alpha1.Container]

var table = registry.NewTableConvertor(
	column{Name: "Image", Description: "The image that the container was made from.", Cell: image},
	column{Name: "Status", Description: "Docker's status, with the exit code or the health, and why a deletion has failed.", Cell: status},
	column{Name: "Ports", Description: "The active ports and where they are published.", Cell: ports},
	registry.Age[*v1alpha1.Container](),
	column{Name: "ID", Priority: 1, Description: "The short ID.",
		Cell: func(c *v1alpha1.Container) string { return containers.ShortID(c.Status.ID) }},
	column{Name: "Command", Priority: 1, Description: "The program and its arguments.", Cell: command},
	column{Name: "PID", Priority: 1, Description: "The process ID on the engine's host.", Cell: pid},
	column{Name: "Health", Priority: 1, Description: "The outcome of the health check.",
		Cell: func(c *v1alpha1.Container) string { return string(c.Status.Health) }},
)

// image returns the image as docker ps shows it: an ID is short, and a name has no digest.
func image(c *v1alpha1.Container) string {
	if id := containers.ShortID(c.Status.ImageID); id != "" && id == containers.ShortID(c.Spec.Image) {
		return id
	}
	if !strings.Contains(c.Spec.Image, "@") && !strings.Contains(c.Spec.Image, "docker.io/") {
		return c.Spec.Image // these need no parsing, which is slow
	}
	parsed, err := reference.ParseNormalizedNamed(c.Spec.Image)
	if err != nil {
		return c.Spec.Image
	}
	name := reference.TrimNamed(parsed)
	if tagged, ok := parsed.(reference.Tagged); ok {
		if withTag, err := reference.WithTag(name, tagged.Tag()); err == nil {
			name = withTag
		}
	}
	return reference.FamiliarString(name)
}

func status(c *v1alpha1.Container) string {
	if why := deletionFailure(c); why != "" && c.DeletionTimestamp == nil {
		return dockerStatus(c) + ", deletion failed: " + why
	}
	return dockerStatus(c)
}

func dockerStatus(c *v1alpha1.Container) string {
	word := string(c.Status.Status)
	switch {
	case c.DeletionTimestamp != nil:
		return word + " (terminating)"
	case c.Status.Status == v1alpha1.ContainerDockerStatusExited, c.Status.Status == v1alpha1.ContainerDockerStatusRestarting:
		return fmt.Sprintf("%s (%d)", word, c.Status.ExitCode)
	case c.Status.Status == v1alpha1.ContainerDockerStatusRunning && c.Status.Health == v1alpha1.ContainerHealthStarting:
		return word + " (health: starting)"
	case c.Status.Status == v1alpha1.ContainerDockerStatusRunning && c.Status.Health != "":
		return fmt.Sprintf("%s (%s)", word, c.Status.Health)
	}
	return word
}

// subject matches the words with which Docker begins an error about a container.
var subject = regexp.MustCompile(`^container [0-9a-f]{64}: `)

// deletionFailure returns why a deletion failed after it was answered, or "" if none did. If the container was started
// since then, the failure no longer matters, and the result is "".
func deletionFailure(c *v1alpha1.Container) string {
	last := c.Status.LastAction
	if last == nil || last.Action != v1alpha1.ContainerActionDelete || last.State != v1alpha1.ContainerActionFailed {
		return ""
	}
	if c.Status.StartedAt != nil && last.CompletedAt.Before(c.Status.StartedAt) {
		return ""
	}
	return shorten(subject.ReplaceAllString(last.Error, ""), maxReasonLength)
}

func shorten(text string, length int) string {
	if runes := []rune(text); len(runes) > length {
		return string(runes[:length-1]) + "…"
	}
	return text
}

func command(c *v1alpha1.Container) string {
	if c.Status.Path == "" {
		return ""
	}
	line := strings.Join(append([]string{c.Status.Path}, c.Status.Args...), " ")
	return strconv.Quote(shorten(line, maxCommandLength))
}

func pid(c *v1alpha1.Container) string {
	if c.Status.PID == 0 {
		return ""
	}
	return strconv.FormatInt(c.Status.PID, 10)
}
