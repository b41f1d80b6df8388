// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source/sourcetest"
)

func TestAContainerShowsItsLabelsThroughAllItsChanges(t *testing.T) {
	engine, answers := sourcetest.New(t)
	s := New(engine)
	labels := map[string]string{"com.docker.compose.project": "web", "not valid": "!"}
	for _, status := range []container.ContainerState{"created", "running", "exited"} {
		answer, err := json.Marshal(sourcetest.Container(func(r *container.InspectResponse) {
			r.State.Status, r.Config.Labels = status, maps.Clone(labels)
		}))
		dockertest.Must(t, err)
		answers.Body = answer
		objects, _, err := s.Observe(t.Context(), dockertest.IDA)
		dockertest.Must(t, err)
		shown := objects["engine/web"].(*v1alpha1.Container)
		if string(shown.Status.Status) != string(status) || !maps.Equal(shown.Status.Labels, labels) ||
			!maps.Equal(shown.Labels, map[string]string{"com.docker.compose.project": "web"}) {
			t.Errorf("%s shows %+v with the labels %v", status, shown.Status, shown.Labels)
		}
	}
}
