// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/volume"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

func TestWhatARealEngineDoesNotHaveIsUnprocessable(t *testing.T) {
	x := connect(t)
	unmountable := engine.UniqueName("unmountable")
	_, err := x.docker.VolumeCreate(t.Context(), volume.CreateOptions{Name: unmountable, DriverOpts: map[string]string{
		"type": "ext4", "device": "/does/not/exist", "o": "ro",
	}})
	dockertest.Must(t, err)
	t.Cleanup(func() { dockertest.Must(t, x.docker.VolumeRemove(context.Background(), unmountable, true)) })
	for words, option := range map[string]engine.ContainerOption{
		"could not select device driver": func(_ *container.Config, h *container.HostConfig) {
			h.DeviceRequests = []container.DeviceRequest{{Count: -1, Capabilities: [][]string{{"gpu"}}}}
		},
		"error gathering device information": func(_ *container.Config, h *container.HostConfig) {
			h.Devices = []container.DeviceMapping{{PathOnHost: "/dev/does-not-exist", PathInContainer: "/dev/x", CgroupPermissions: "r"}}
		},
		"error while mounting volume": func(_ *container.Config, h *container.HostConfig) {
			h.Binds = []string{unmountable + ":/data"}
		},
	} {
		name := engine.UniqueName("lacking")
		shared.Create(t, name, option)
		if err := x.update(t, t.Context(), name, state("running")); dockertest.Code(err) != 422 || !dockertest.Contains(err, words) {
			t.Errorf("%s: %v", words, err)
		}
	}
}
