// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"slices"
	"strings"

	"github.com/docker/docker/api/types/image"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

// tagsOf returns the image's tags in their familiar form, sorted. It skips entries that are not tags, which Docker
// lists too.
func tagsOf(response *image.InspectResponse) []string { return familiarTags(response.RepoTags) }

func familiarTags(repoTags []string) []string {
	var tags []string
	for _, tag := range repoTags {
		if familiar, err := names.FamiliarTag(tag); err == nil {
			tags = append(tags, familiar)
		}
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}

func digestsOf(response *image.InspectResponse) []string { return realDigests(response.RepoDigests) }

func realDigests(repoDigests []string) []string {
	digests := slices.DeleteFunc(slices.Clone(repoDigests), func(d string) bool { return strings.HasPrefix(d, "<none>@") })
	slices.Sort(digests)
	return digests
}

// imagesOf returns the Images for Docker's answer: one for each tag, or one for an image without tags.
func imagesOf(response *image.InspectResponse, tags []string, namespace string) []*v1alpha1.Image {
	var labels map[string]string
	if response.Config != nil {
		labels = source.LabelsOf(response.Config.Labels)
	}
	if len(tags) == 0 {
		return []*v1alpha1.Image{imageOf(response, "", labels, namespace)}
	}
	objects := make([]*v1alpha1.Image, 0, len(tags))
	for _, tag := range tags {
		objects = append(objects, imageOf(response, tag, labels, namespace))
	}
	return objects
}

func imageOf(response *image.InspectResponse, tag string, labels map[string]string, namespace string) *v1alpha1.Image {
	id := names.ImageID(response.ID)
	name, from := containers.NameOfTag(tag), id
	if tag == "" {
		name, from = id, ""
	}
	created := source.TimeOf(response.Created)
	object := &v1alpha1.Image{
		ObjectMeta: metav1.ObjectMeta{
			Name:      name,
			Namespace: namespace,
			UID:       source.UIDOf("Image", id, tag, name),
			Labels:    containers.Selectable(labels),
		},
		Spec: v1alpha1.ImageSpec{From: from},
		Status: v1alpha1.ImageStatus{
			Namespace:    v1alpha1.EngineNamespace,
			ID:           id,
			RepoTag:      tag,
			RepoDigests:  digestsOf(response),
			CreatedAt:    created,
			Architecture: response.Architecture,
			OS:           response.Os,
			Size:         response.Size,
			Labels:       labels,
		},
	}
	if created != nil {
		object.CreationTimestamp = *created
	}
	reason := "Tagged"
	if tag == "" {
		reason = "Dangling"
	}
	object.Status.Conditions = []metav1.Condition{source.Condition(v1alpha1.ImageTagged, tag != "", reason, "", source.Latest(created))}
	return object
}
