// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// cells returns the row of a container by column, without the age.
func cells(t *testing.T, c *v1alpha1.Container) map[string]any {
	t.Helper()
	converted, err := table.ConvertToTable(t.Context(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	row := map[string]any{}
	for i, column := range converted.ColumnDefinitions {
		row[column.Name] = converted.Rows[0].Cells[i]
	}
	return row
}

func TestTheColumnsOfContainers(t *testing.T) {
	converted, err := table.ConvertToTable(t.Context(), &v1alpha1.ContainerList{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var normal, wide []string
	for _, column := range converted.ColumnDefinitions {
		if column.Description == "" {
			t.Errorf("the column %s has no description", column.Name)
		}
		if column.Priority == 0 {
			normal = append(normal, column.Name)
		} else {
			wide = append(wide, column.Name)
		}
	}
	if got := strings.Join(normal, " ") + " | " + strings.Join(wide, " "); got != "Name Image Status Ports Age | ID Command PID Health" {
		t.Error(got)
	}
}

func TestTheStatusReadsLikeDockers(t *testing.T) {
	for _, test := range []struct {
		status v1alpha1.ContainerDockerStatus
		health v1alpha1.ContainerHealth
		code   int64
		want   string
	}{
		{"created", "", 0, "created"},
		{"running", "", 0, "running"},
		{"running", "healthy", 0, "running (healthy)"},
		{"running", "unhealthy", 0, "running (unhealthy)"},
		{"running", "starting", 0, "running (health: starting)"},
		{"paused", "", 0, "paused"},
		{"exited", "healthy", 137, "exited (137)"},
		{"exited", "", 0, "exited (0)"},
		{"exited", "", 3221225786, "exited (3221225786)"}, // the exit code of a Windows process
		{"restarting", "", 1, "restarting (1)"},
		{"dead", "", 1, "dead"},
	} {
		c := &v1alpha1.Container{Status: v1alpha1.ContainerStatus{Status: test.status, Health: test.health, ExitCode: test.code}}
		if got := cells(t, c)["Status"]; got != test.want {
			t.Errorf("%v, want %s", got, test.want)
		}
	}
	c := &v1alpha1.Container{Status: v1alpha1.ContainerStatus{Status: "running"}}
	c.DeletionTimestamp = &metav1.Time{}
	if got := cells(t, c)["Status"]; got != "running (terminating)" {
		t.Error(got)
	}
}

func TestTheStatusSaysWhyADeletionFailed(t *testing.T) {
	at := metav1.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	before, after := metav1.NewTime(at.Add(-time.Hour)), metav1.NewTime(at.Add(time.Hour))
	const words = `driver "overlay2" failed to remove root filesystem: operation not permitted`
	for _, test := range []struct {
		status  v1alpha1.ContainerDockerStatus
		action  v1alpha1.ContainerAction
		state   v1alpha1.ContainerActionState
		started *metav1.Time
		error   string
		want    string
	}{
		{"dead", "delete", "Failed", &before, words, "dead, deletion failed: " + words},
		{"exited", "delete", "Failed", &before, "container " + strings.Repeat("0123456789abcdef", 4) + ": " + words, "exited (137), deletion failed: " + words},
		{"running", "delete", "Failed", &before, "cannot stop it", "running, deletion failed: cannot stop it"},
		{"created", "delete", "Failed", nil, "no", "created, deletion failed: no"},
		{"dead", "delete", "Failed", &before, strings.Repeat("é", 100), "dead, deletion failed: " + strings.Repeat("é", 79) + "…"},
		{"running", "delete", "Failed", &after, "cannot stop it", "running"},
		{"dead", "stop", "Failed", &before, words, "dead"},
		{"dead", "delete", "Succeeded", &before, "", "dead"},
	} {
		c := &v1alpha1.Container{Status: v1alpha1.ContainerStatus{
			Status: test.status, ExitCode: 137, StartedAt: test.started,
			LastAction: &v1alpha1.ContainerLastAction{Action: test.action, State: test.state, Error: test.error, CompletedAt: &at},
		}}
		if got := cells(t, c)["Status"]; got != test.want {
			t.Errorf("%v, want %s", got, test.want)
		}
		c.DeletionTimestamp = &at
		if got := cells(t, c)["Status"]; got != string(test.status)+" (terminating)" {
			t.Errorf("while the container is deleted again: %v", got)
		}
	}
}

func TestTheImageReadsLikeDockers(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	for image, want := range map[string]string{
		"":                              "<none>",
		"busybox":                       "busybox",
		"busybox:latest":                "busybox:latest",
		"docker.io/library/busybox:1":   "busybox:1",
		"localhost:5000/a/b:v1":         "localhost:5000/a/b:v1",
		"busybox@sha256:" + id:          "busybox",
		"busybox:1@sha256:" + id:        "busybox:1",
		"localhost:5000/a@sha256:" + id: "localhost:5000/a",
		id:                              "0123456789ab",
		"sha256:" + id:                  "0123456789ab",
		id[:12]:                         "0123456789ab",
		id[:20]:                         "0123456789ab",
		"sha256:" + id[:20]:             "0123456789ab",
		id[:5]:                          "01234", // docker ps shows the same
		"Not A Name@":                   "Not A Name@",
	} {
		c := &v1alpha1.Container{Spec: v1alpha1.ContainerSpec{Image: image}, Status: v1alpha1.ContainerStatus{ImageID: "sha256:" + id}}
		if got := cells(t, c)["Image"]; got != want {
			t.Errorf("%s shows as %v, want %s", image, got, want)
		}
	}
}

func TestTheWideColumnsShowWhatRuns(t *testing.T) {
	c := &v1alpha1.Container{Status: v1alpha1.ContainerStatus{
		ID: strings.Repeat("0123456789abcdef", 4), Path: "sh", Args: []string{"-c", "echo \"é\""}, PID: 42, Health: "healthy",
	}}
	for column, want := range map[string]string{"ID": "0123456789ab", "Command": `"sh -c echo \"é\""`, "PID": "42", "Health": "healthy"} {
		if got := cells(t, c)[column]; got != want {
			t.Errorf("%s is %v, want %s", column, got, want)
		}
	}
	c.Status.Args = []string{strings.Repeat("é", 100)}
	if got := cells(t, c)["Command"]; got != `"sh `+strings.Repeat("é", 36)+`…"` {
		t.Error(got)
	}
	empty := cells(t, &v1alpha1.Container{})
	for _, column := range []string{"ID", "Command", "PID", "Health", "Ports", "Image"} {
		if empty[column] != "<none>" {
			t.Errorf("an empty %s is %v", column, empty[column])
		}
	}
}
