// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

func TestARequestThatRunsOutOfTimeIsAnsweredAndGoesOn(t *testing.T) {
	const namespace = "/apis/containers.rancherdesktop.io/v1alpha1/namespaces/" + testserver.Namespace
	for protocol, version := range map[string]int{"http/1.1": 1, "h2": 2} {
		for change, test := range map[string]struct{ body, outcome string }{
			"state":  {`{"spec":{"state":"created"}}`, "{.spec.state}=created"},
			"action": {`{"metadata":{"annotations":{"containers.rancherdesktop.io/action":"stop"}}}`, "{.status.lastAction.state}=Succeeded"},
		} {
			t.Run(protocol+"/"+change, func(t *testing.T) {
				t.Parallel()
				config := server.Config(t)
				config.NextProtos = []string{protocol}
				client, err := rest.HTTPClientFor(config)
				if err != nil {
					t.Fatal(err)
				}
				defer client.CloseIdleConnections()
				name, seconds := engine.UniqueName("slow"), 3600
				id := docker.Run(t, name, engine.Command(engine.Stubborn...), func(c *container.Config, _ *container.HostConfig) { c.StopTimeout = &seconds })

				request, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, config.Host+namespace+"/containers/"+name+"?timeout=10s", strings.NewReader(test.body))
				if err != nil {
					t.Fatal(err)
				}
				request.Header.Set("Content-Type", "application/merge-patch+json")
				answer, err := client.Do(request)
				if err != nil {
					t.Fatal(err)
				}
				defer answer.Body.Close()
				text, err := io.ReadAll(answer.Body)
				if err != nil {
					t.Fatal(err)
				}
				var status metav1.Status
				if err := json.Unmarshal(text, &status); err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				if answer.ProtoMajor != version || answer.StatusCode != http.StatusGatewayTimeout || status.Reason != metav1.StatusReasonTimeout || !strings.Contains(status.Message, "It goes on") {
					t.Errorf("%s %s: %s", answer.Proto, answer.Status, text)
				}
				if after := answer.Header.Get("Retry-After"); after != "" {
					t.Errorf("clients are told to try again after %s s", after)
				}
				if err := docker.Client().ContainerKill(t.Context(), id, "KILL"); err != nil {
					t.Fatal(err)
				}
				anyKubectl(t).OK(t, "wait", "ctr/"+name, "--for=jsonpath="+test.outcome, "--timeout=60s")
			})
		}
	}
}
