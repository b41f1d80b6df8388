// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// now is the time of the tests. The containers of the tests were made an hour before, started 30 minutes before, and
// ended 5 minutes before.
var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func ago(d time.Duration) *metav1.Time { return &metav1.Time{Time: now.Add(-d)} }

func newContainer(name string, status v1alpha1.ContainerDockerStatus, changes ...func(*v1alpha1.Container)) *v1alpha1.Container {
	c := &v1alpha1.Container{
		ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: *ago(time.Hour)},
		Spec:       v1alpha1.ContainerSpec{State: v1alpha1.ContainerStateCreated},
		Status: v1alpha1.ContainerStatus{
			ID: fmt.Sprintf("%064x", len(name)), Name: name, Status: status, StartedAt: ago(30 * time.Minute), FinishedAt: ago(5 * time.Minute),
		},
	}
	switch status {
	case v1alpha1.ContainerDockerStatusRunning, v1alpha1.ContainerDockerStatusRestarting:
		c.Spec.State = v1alpha1.ContainerStateRunning
	case v1alpha1.ContainerDockerStatusPaused:
		c.Spec.State = v1alpha1.ContainerStatePaused
	}
	for _, change := range changes {
		change(c)
	}
	return c
}

func exit(code int64) func(*v1alpha1.Container) {
	return func(c *v1alpha1.Container) { c.Status.ExitCode = code }
}

func health(h v1alpha1.ContainerHealth) func(*v1alpha1.Container) {
	return func(c *v1alpha1.Container) { c.Status.Health = h }
}

func TestTheStatusReadsLikeDockers(t *testing.T) {
	for want, c := range map[string]*v1alpha1.Container{
		"Up 30 minutes":                    newContainer("a", v1alpha1.ContainerDockerStatusRunning),
		"Up 30 minutes (healthy)":          newContainer("a", v1alpha1.ContainerDockerStatusRunning, health(v1alpha1.ContainerHealthHealthy)),
		"Up 30 minutes (unhealthy)":        newContainer("a", v1alpha1.ContainerDockerStatusRunning, health(v1alpha1.ContainerHealthUnhealthy)),
		"Up 30 minutes (health: starting)": newContainer("a", v1alpha1.ContainerDockerStatusRunning, health(v1alpha1.ContainerHealthStarting)),
		"Up 30 minutes (Paused)":           newContainer("a", v1alpha1.ContainerDockerStatusPaused, health(v1alpha1.ContainerHealthHealthy)),
		"Restarting (7) 5 minutes ago":     newContainer("a", v1alpha1.ContainerDockerStatusRestarting, exit(7)),
		"Exited (137) 5 minutes ago":       newContainer("a", v1alpha1.ContainerDockerStatusExited, exit(137)),
		"Created":                          newContainer("a", v1alpha1.ContainerDockerStatusCreated),
		"Dead":                             newContainer("a", v1alpha1.ContainerDockerStatusDead),
		"Removal In Progress":              newContainer("a", v1alpha1.ContainerDockerStatusRemoving),
		"unknown":                          newContainer("a", v1alpha1.ContainerDockerStatusUnknown),
		"Exited (0) About an hour ago":     newContainer("a", v1alpha1.ContainerDockerStatusExited, func(c *v1alpha1.Container) { c.Status.FinishedAt = nil }),
	} {
		if got := summary(c, now).Status; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestAListShowsTheActivePortsAndWhereTheyArePublished(t *testing.T) {
	c := newContainer("a", v1alpha1.ContainerDockerStatusRunning)
	c.Status.Ports = []v1alpha1.ContainerPort{
		{Name: "80/tcp", Active: true, Bindings: []v1alpha1.ContainerPortBinding{{HostIP: "0.0.0.0", HostPort: "8080"}, {HostIP: "::", HostPort: "8080"}}},
		{Name: "53/udp", Active: true},
		{Name: "443/tcp"},
	}
	want := []container.Port{
		{IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp"},
		{IP: "::", PrivatePort: 80, PublicPort: 8080, Type: "tcp"},
		{PrivatePort: 53, Type: "udp"},
	}
	if got := summary(c, now).Ports; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestAnArgumentWithBlanksIsQuotedInTheCommand(t *testing.T) {
	c := newContainer("a", v1alpha1.ContainerDockerStatusRunning)
	c.Status.Path, c.Status.Args = "sh", []string{"-c", "sleep 1"}
	if got := summary(c, now).Command; got != "sh -c 'sleep 1'" {
		t.Error(got)
	}
}

func TestTheNewestContainerIsListedFirst(t *testing.T) {
	made := func(name string, before time.Duration) v1alpha1.Container {
		c := newContainer(name, v1alpha1.ContainerDockerStatusRunning)
		c.CreationTimestamp = *ago(before)
		return *c
	}
	chosen, err := psFilters.parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, listed := range summaries([]v1alpha1.Container{made("old", time.Hour), made("b", time.Minute), made("a", time.Minute)}, chosen, now) {
		names = append(names, listed.Names...)
	}
	if want := []string{"/a", "/b", "/old"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}
