// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

// busy is a command that uses all the time of a processor, as far as it may.
var busy = engine.Command("sh", "-c", "while :; do :; done")

// limited gives a container a tenth of a processor and 64 MiB of memory.
func limited(_ *container.Config, host *container.HostConfig) {
	host.NanoCPUs, host.Memory = 1e8, 64<<20
}

// awaitMetrics waits until a container has metrics. A busy engine takes longer to answer than the first reader waits.
func awaitMetrics(t *testing.T, k kubectl.Kubectl, name string) {
	t.Helper()
	kubectl.Eventually(t, name+" has metrics", func() bool {
		_, _, err := k.Try(t, "get", "containermetrics", name)
		return err == nil
	})
}

func TestMetricsShowWhatAContainerUses(t *testing.T) {
	name, network := engine.UniqueName("busy"), engine.UniqueName("busy")
	docker.Network(t, network, nil)
	id := docker.Run(t, name, busy, limited, engine.OnNetwork(network), engine.Labels(map[string]string{"use": name}))
	awaitMetrics(t, anyKubectl(t), name)
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		for _, args := range [][]string{{name}, {id}, {id[:12]}} {
			var m v1alpha1.ContainerMetrics
			if err := json.Unmarshal([]byte(k.OK(t, append([]string{"get", "containermetrics", "-o", "json"}, args...)...)), &m); err != nil {
				t.Fatal(err)
			}
			if m.Name != args[0] || m.ID != id || m.Labels["use"] != name || m.Timestamp.IsZero() || m.Window == nil {
				t.Errorf("%+v", m)
			}
			if m.Usage.CPU == nil || m.Usage.CPU.Sign() <= 0 || m.Usage.Memory == nil || m.Usage.Memory.Sign() <= 0 || m.Pids == nil || *m.Pids < 1 {
				t.Errorf("%+v", m)
			}
			if m.Network == nil || m.BlockIO == nil {
				t.Errorf("%+v", m)
			}
			if m.Limits.CPU.String() != "100m" || m.Limits.Memory.String() != "64Mi" {
				t.Errorf("%+v", m.Limits)
			}
		}
		for _, args := range [][]string{{"-l", "use=" + name}, {"--field-selector", "metadata.name=" + name}, {"-A", "--field-selector", "metadata.name=" + name}, {name}} {
			kubectl.Contains(t, k.OK(t, append([]string{"get", "containermetrics"}, args...)...), name, "64Mi", "m ")
		}
		if got := k.OK(t, "get", "containermetrics", "-l", "use=other", "-o", "name"); got != "" {
			t.Errorf("another label selects %s", got)
		}
		kubectl.Contains(t, k.OK(t, "describe", "containermetrics", name), "Read Bytes:", "64Mi")
		kubectl.Contains(t, k.OK(t, "explain", "containermetrics.usage.cpu"), "processor time")
		if got := k.OK(t, "get", "engine", "-o", "name"); strings.Contains(got, "containermetrics") {
			t.Error("kubectl get engine asks for metrics")
		}
	})
}

func TestAContainerThatDoesNotRunHasNoMetrics(t *testing.T) {
	name, never := engine.UniqueName("ended"), engine.UniqueName("never")
	docker.Run(t, name)
	docker.Create(t, never)
	k := anyKubectl(t)
	awaitMetrics(t, k, name)
	kubectl.Contains(t, k.OK(t, "get", "containermetrics"), name)
	k.OK(t, "patch", "ctr", name, "--type=merge", "-p", `{"spec":{"state":"created"}}`)
	k.Fails(t, []string{"NotFound", "the container is exited", "only containers that run have metrics"}, "get", "containermetrics", name)
	k.Fails(t, []string{"NotFound", "the container is created"}, "get", "containermetrics", never)
	if got := k.OK(t, "get", "containermetrics", "-o", "name"); strings.Contains(got, name) || strings.Contains(got, never) {
		t.Errorf("the list has %s", got)
	}
}

func TestAWatchOfMetricsShowsContainersThatComeAndGo(t *testing.T) {
	name := engine.UniqueName("watched")
	k := anyKubectl(t)
	lines := k.Follow(t, "get", "containermetrics", "--watch", "--output-watch-events", "-l", "use="+name)
	docker.Run(t, name, engine.Labels(map[string]string{"use": name}))
	kubectl.AwaitLine(t, lines, "ADDED", name)
	kubectl.AwaitLine(t, lines, "MODIFIED", name)
	k.OK(t, "delete", "ctr", name, "--now")
	kubectl.AwaitLine(t, lines, "DELETED", name)
}

func TestPrometheusReadsWhatContainersUse(t *testing.T) {
	name := engine.UniqueName("scraped")
	docker.Run(t, name, busy, limited)
	awaitMetrics(t, anyKubectl(t), name)
	scraped := anyKubectl(t).OK(t, "get", "--raw", "/metrics/resource")
	labels := `{container="` + name + `",namespace="rancher-desktop"} `
	kubectl.Contains(t, scraped, "# TYPE container_cpu_usage_seconds_total counter", "container_cpu_usage_seconds_total"+labels,
		"container_memory_working_set_bytes"+labels, "container_start_time_seconds"+labels, "container_spec_memory_limit_bytes"+labels+"6.7108864e+07 ",
		"resource_scrape_error 0")
}
