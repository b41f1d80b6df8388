// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

func TestARefusalNamesTheContainerAndNotItsLink(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("linked")
	user, volume, image := "z"+name, name, name+":v1"
	id := shared.Image(t, image)
	shared.Volume(t, volume, nil)
	shared.Create(t, user, engine.FromImage(image), func(_ *container.Config, h *container.HostConfig) { h.Binds = []string{volume + ":/data"} })
	shared.Create(t, "a"+name, func(c *container.Config, h *container.HostConfig) {
		c.NetworkDisabled = false
		h.Links = []string{user + ":db"}
	})
	for what, err := range map[string]error{
		"volume": x.Volumes().Delete(t.Context(), x.volumeSubject(volume), x.volume(t, volume)),
		"image":  x.Images().Delete(t.Context(), id, x.image(t, image)),
	} {
		if dockertest.Code(err) != 409 || !dockertest.Contains(err, "(used by: "+user+")") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
