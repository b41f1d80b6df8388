// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"encoding/json"

	"github.com/docker/docker/api/types/image"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
)

// readImage decodes Docker's answer about an image, but only the fields that imagesOf and Observe read.
func readImage(answer []byte) (*image.InspectResponse, error) {
	var i struct {
		ID           string `json:"Id"`
		RepoTags     []string
		RepoDigests  []string
		Parent       string
		Created      string
		Architecture string
		Os           string
		Size         int64
		Config       *struct{ Labels map[string]string }
	}
	if err := json.Unmarshal(answer, &i); err != nil {
		return nil, err
	}
	response := &image.InspectResponse{
		ID: i.ID, RepoTags: i.RepoTags, RepoDigests: i.RepoDigests, Created: i.Created, Architecture: i.Architecture, Os: i.Os, Size: i.Size,
	}
	//lint:ignore SA1019 only engines that hide parents fill it in, and nothing replaces it there
	response.Parent = i.Parent
	if i.Config != nil {
		response.Config = &dockerspec.DockerOCIImageConfig{}
		response.Config.Labels = i.Config.Labels
	}
	return response, nil
}
