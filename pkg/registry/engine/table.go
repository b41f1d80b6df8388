// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"strconv"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

const unknown = "<unknown>"

type column = registry.Column[*v1alpha1.Engine]

var table = registry.NewTableConvertor(
	column{Name: "Version", Description: "The engine's release.",
		Cell: func(e *v1alpha1.Engine) string { return known(e.Status.Version) }},
	column{Name: "Ready", Description: "Whether the engine answers, and the reason if it does not.", Cell: ready},
	count("Containers", v1alpha1.EngineContainersSynced, "How many containers there are.", func(c *v1alpha1.EngineCounts) int32 { return c.Containers }),
	count("Images", v1alpha1.EngineImagesSynced, "How many images there are, by tag.", func(c *v1alpha1.EngineCounts) int32 { return c.Images }),
	count("Volumes", v1alpha1.EngineVolumesSynced, "How many volumes there are.", func(c *v1alpha1.EngineCounts) int32 { return c.Volumes }),
	count("Networks", v1alpha1.EngineNetworksSynced, "How many networks there are.", func(c *v1alpha1.EngineCounts) int32 { return c.Networks }),
	column{Name: "Endpoint", Priority: 1, Description: "The engine's address.",
		Cell: func(e *v1alpha1.Engine) string { return e.Status.Endpoint }},
	column{Name: "OS/Arch", Priority: 1, Description: "The operating system and the processor architecture that the engine runs on.", Cell: platform},
	column{Name: "Storage-Driver", Priority: 1, Description: "The driver that stores the engine's file systems.",
		Cell: func(e *v1alpha1.Engine) string { return known(e.Status.StorageDriver) }},
)

// count returns a column with the number of objects of a kind. It shows <unknown> if the kind has not been read.
func count(name, condition, description string, of func(*v1alpha1.EngineCounts) int32) column {
	return column{Name: name, Description: description, Cell: func(e *v1alpha1.Engine) string {
		if e.Status.Counts == nil || isUnread(e, condition) {
			return unknown
		}
		return strconv.Itoa(int(of(e.Status.Counts)))
	}}
}

// isUnread reports whether a kind cannot be read although the engine answers. While the engine does not answer, the
// column shows the last known number.
func isUnread(e *v1alpha1.Engine, condition string) bool {
	if !meta.IsStatusConditionTrue(e.Status.Conditions, v1alpha1.EngineReady) {
		return false
	}
	c := meta.FindStatusCondition(e.Status.Conditions, condition)
	return c != nil && (c.Reason == v1alpha1.EngineSyncing || c.Reason == v1alpha1.EngineUnavailable)
}

func known(text string) string {
	if text == "" {
		return unknown
	}
	return text
}

func platform(e *v1alpha1.Engine) string {
	if e.Status.OS == "" {
		return unknown
	}
	return e.Status.OS + "/" + e.Status.Architecture
}

func ready(e *v1alpha1.Engine) string {
	c := meta.FindStatusCondition(e.Status.Conditions, v1alpha1.EngineReady)
	switch {
	case c == nil:
		return unknown
	case c.Status == metav1.ConditionTrue:
		return string(c.Status)
	}
	return fmt.Sprintf("%s (%s)", c.Status, c.Reason)
}
