// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source/sourcetest"
)

// BenchmarkObserveAChange observes a container whose state changes each time.
func BenchmarkObserveAChange(b *testing.B) {
	engine, engineAnswers := sourcetest.New(b)
	s := New(engine)
	labels := map[string]string{}
	for i := range 30 {
		labels[fmt.Sprintf("org.example.labels/key-%d", i)] = fmt.Sprintf("value-%d", i)
	}
	var answers [][]byte
	for _, status := range []container.ContainerState{"running", "exited"} {
		answer, err := json.Marshal(sourcetest.Container(func(r *container.InspectResponse) { r.State.Status, r.Config.Labels = status, labels }))
		if err != nil {
			b.Fatal(err)
		}
		answers = append(answers, answer)
	}
	for i := 0; b.Loop(); i++ {
		engineAnswers.Body = answers[i%len(answers)]
		if _, _, err := s.Observe(b.Context(), dockertest.IDA); err != nil {
			b.Fatal(err)
		}
	}
}
