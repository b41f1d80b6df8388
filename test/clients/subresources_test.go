// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package clients_test

import (
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

func TestTheGeneratedClientSendsSignalsRenamesAndShowsProcesses(t *testing.T) {
	client := newClient(t, testserver.Start(t, eng.Host()).Config(t)).Containers(testserver.Namespace)
	name, other := engine.UniqueName("web"), engine.UniqueName("other")
	id := eng.Run(t, name, engine.Command("sh", "-c", "trap 'exit 7' HUP; while :; do sleep 0.01; done"))

	top, err := client.GetTop(t.Context(), name, metav1.GetOptions{})
	if err != nil || top.Name != name || !slices.Contains(top.Titles, "PID") || len(top.Processes) == 0 || !strings.Contains(strings.Join(top.Processes[0].Values, " "), "trap") {
		t.Errorf("%+v, %v", top, err)
	}
	status, err := client.Rename(t.Context(), name, &v1alpha1.ContainerRename{NewName: other}, metav1.CreateOptions{})
	if err != nil || status.Status != metav1.StatusSuccess {
		t.Errorf("%+v, %v", status, err)
	}
	if inspected, err := eng.Client().ContainerInspect(t.Context(), id); err != nil || inspected.Name != "/"+other {
		t.Errorf("the container is %s, want %s: %v", inspected.Name, other, err)
	}
	status, err = client.Kill(t.Context(), other, &v1alpha1.ContainerKill{Signal: "HUP"}, metav1.CreateOptions{})
	if err != nil || status.Status != metav1.StatusSuccess {
		t.Errorf("%+v, %v", status, err)
	}
	eventually(t, func() string {
		container, err := client.Get(t.Context(), other, metav1.GetOptions{})
		if err == nil && container.Status.ExitCode == 7 {
			return ""
		}
		return "the signal does not reach the container"
	})
	if _, err := client.Kill(t.Context(), name, &v1alpha1.ContainerKill{}, metav1.CreateOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("a container that is not there: %v", err)
	}
}
