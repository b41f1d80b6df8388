// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

func TestKubectlReadsAndFollowsALog(t *testing.T) {
	name := engine.UniqueName("log")
	id := docker.Run(t, name, engine.Command("sh", "-c", "trap 'echo hup' HUP; echo ready; while :; do sleep 3600 & wait; done"))
	const containers = "/apis/containers.rancherdesktop.io/v1alpha1/namespaces/" + testserver.Namespace + "/containers/"
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		for _, one := range []string{name, id, id[:12]} {
			lines := k.Follow(t, "get", "--raw", containers+one+"/log?follow=true&tailLines=1")
			kubectl.AwaitLine(t, lines)
			if err := docker.Client().ContainerKill(t.Context(), id, "HUP"); err != nil {
				t.Fatal(err)
			}
			kubectl.AwaitLine(t, lines, "hup")
		}
		kubectl.Contains(t, k.OK(t, "get", "--raw", containers+name+"/log"), "ready\nhup\n")
		kubectl.Contains(t, k.OK(t, "get", "--raw", containers+name+"/top"), "PID", "sleep 3600")
		k.Fails(t, []string{"NotFound"}, "get", "--raw", containers+"nothing/log")
	})
}
