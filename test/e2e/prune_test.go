// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

func TestADeleteBySelectorOfWhatNothingUsesIsAPrune(t *testing.T) {
	k := anyKubectl(t)
	name := engine.UniqueName("prune")
	used, unused := name+"-used", name+"-unused"
	labels := map[string]string{"prune": name}
	docker.Volume(t, used, labels)
	docker.Volume(t, unused, labels)
	docker.Image(t, used+":v1")
	docker.Image(t, unused+":v1")
	docker.Create(t, name, engine.FromImage(used+":v1"), func(_ *container.Config, host *container.HostConfig) { host.Binds = []string{used + ":/data"} })

	// The label keeps the test from the volumes of other tests.
	kubectl.Contains(t, k.OK(t, "delete", "vol", "-l", "prune="+name, "--field-selector", "status.inUse=false"), unused)
	k.Fails(t, []string{"NotFound"}, "get", "vol", unused)
	kubectl.Contains(t, k.OK(t, "get", "vol", used, "-o", "wide"), "true")

	selector := "status.inUse=false,metadata.name!=" + engine.Busybox
	for image, want := range map[string]string{used + ":v1": "true false", unused + ":v1": "false false"} {
		kubectl.Contains(t, k.OK(t, "get", "img", image, "-o", "jsonpath={.status.inUse} {.status.dangling}"), want)
	}
	if left := k.OK(t, "get", "img", "--field-selector", selector, "-o", "name"); !strings.Contains(left, unused) || strings.Contains(left, used) {
		t.Errorf("the images that nothing uses are %s", left)
	}
}
