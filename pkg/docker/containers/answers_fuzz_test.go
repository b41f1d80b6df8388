// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source/sourcetest"
)

// FuzzContainerAnswer promises that a container shows under its name, whatever else Docker's answer says.
func FuzzContainerAnswer(f *testing.F) {
	f.Add(sourcetest.Encode(f, sourcetest.Container(nil)))
	for _, text := range []string{`null`, `{}`, `[]`, `[{"Id":"` + dockertest.IDA + `"}]`, `{"Id":"` + dockertest.IDA + `"}`, `{"Id":"` + dockertest.IDA + `","Name":"/"}`, `{"Id":"` + dockertest.IDB + `","Name":"/web"}`,
		`{"Id":"` + dockertest.IDA + `","Name":"/../web"}`, `{"Id":"` + dockertest.IDA + `","Name":"web","Created":"9999-12-31T23:59:59-23:59","State":{"StartedAt":"0000-01-01T00:00:00Z","FinishedAt":"0001-01-01T00:00:00-10:00"}}`,
		`{"Id":"` + dockertest.IDA + `","Name":"/web","State":null,"Config":null,"HostConfig":null,"NetworkSettings":null}`,
		`{"Id":"` + dockertest.IDA + `","Name":"/web","State":{"Status":"exited","ExitCode":3221225786,"Error":"` + strings.Repeat("x", 40_000) + `"}}`,
		`{"Id":"` + dockertest.IDA + `","Name":"/web","State":{"Status":"removing","Dead":true,"OOMKilled":true,"Health":{"Status":"healthy","Log":[null]}},"Config":{"Labels":{"":"","a/b/c":"d","ok":"yes"},"StopTimeout":-1}}`,
		`{"Id":"` + dockertest.IDA + `","Name":"/web","Config":{"StopTimeout":9223372036854775807,"ExposedPorts":{"":{},"x":{},"80/tcp":{}}},"HostConfig":{"PortBindings":{"80/tcp":null}},"NetworkSettings":{"Ports":{"80/tcp":[{"HostIp":"::","HostPort":"-1"},{}]}}}`,
	} {
		f.Add([]byte(text))
	}
	engine, answers := sourcetest.New(f)
	s := New(engine)
	f.Fuzz(func(t *testing.T, answer []byte) {
		answers.Body = answer
		objects := sourcetest.Observe(t, s, dockertest.IDA)
		var response container.InspectResponse
		if json.Unmarshal(answer, &response) != nil || response.ContainerJSONBase == nil {
			return
		}
		var want []string
		if response.ID == dockertest.IDA {
			want = []string{"engine/" + containers.ObjectName(containerName(&response))}
		}
		if got := sourcetest.Keys(objects); !slices.Equal(got, want) {
			t.Errorf("shows as %q, want %q", got, want)
		}
		if timeout := s.StopTimeout(dockertest.IDA); timeout < 0 {
			t.Errorf("the stop timeout is %v", timeout)
		}
	})
}
