// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"strconv"
	"strings"

	"github.com/docker/go-units"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

const sizeDigits = 3

type column = registry.Column[*v1alpha1.Image]

var table = registry.NewTableConvertor(
	column{Name: "ID", Description: "The short ID.",
		Cell: func(i *v1alpha1.Image) string { return containers.ShortID(i.Status.ID) }},
	column{Name: "Size", Description: "The size of all layers on disk.",
		Cell: func(i *v1alpha1.Image) string {
			return units.HumanSizeWithPrecision(float64(i.Status.Size), sizeDigits)
		}},
	registry.Age[*v1alpha1.Image](),
	column{Name: "OS/Arch", Priority: 1, Description: "The platform that the image is for.", Cell: platform},
	column{Name: "Digest", Priority: 1, Description: "The digest by which a registry knows the image.", Cell: digest},
	column{Name: "In-Use", Priority: 1, Description: "Whether a container was made of the image.",
		Cell: func(i *v1alpha1.Image) string { return registry.Known(i.Status.InUse) }},
	column{Name: "Dangling", Priority: 1, Description: "Whether docker images shows the image as dangling.",
		Cell: func(i *v1alpha1.Image) string { return strconv.FormatBool(i.Status.Dangling) }},
)

func platform(i *v1alpha1.Image) string {
	if i.Status.OS == "" || i.Status.Architecture == "" {
		return i.Status.OS + i.Status.Architecture
	}
	return i.Status.OS + "/" + i.Status.Architecture
}

// digest returns the digest of the tag's own repository. If there is none, it returns the first digest.
func digest(i *v1alpha1.Image) string {
	tag := strings.LastIndex(i.Status.RepoTag, ":")
	shown := ""
	for _, repoDigest := range i.Status.RepoDigests {
		repository, digest, _ := strings.Cut(repoDigest, "@")
		if tag >= 0 && repository == i.Status.RepoTag[:tag] {
			return digest
		}
		if shown == "" {
			shown = digest
		}
	}
	return shown
}
