// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregated_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/streamclient"
)

// grantCommands gives a user rights to the commands of containers. verbs are separated by commas.
func grantCommands(t *testing.T, admin kubectl.Kubectl, user, verbs string) {
	t.Helper()
	grantRules(t, admin, user, fmt.Sprintf(`[{apiGroups: [containers.rancherdesktop.io], resources: [containers, containers/exec, containers/attach, `+
		`containers/portforward, containers/archive], verbs: [%s]}]`, verbs))
}

// execute runs a script in a container, and returns its output.
func execute(ctx context.Context, t *testing.T, user, protocol, name, script string) (string, error) {
	t.Helper()
	return streamclient.Run(ctx, config(t, user), protocol, containers+name+"/exec", url.Values{"command": {"sh", "-c", script}}, nil)
}

func TestEverySessionWorksThroughTheAggregator(t *testing.T) {
	serve(t, "--engine-access=full")
	streamclient.Check(t, config(t, cluster.Admin()), containers, docker)
}

func TestACommandNeedsTheRightToGetAndToCreateWhateverTheMethod(t *testing.T) {
	serve(t, "--engine-access=full")
	web, id := run(t, "web")
	admin := kubectl.Any(t, cluster.Admin())
	for name, verbs := range map[string]string{"getter": "get", "creator": "create", "runner": "get, create"} {
		grantCommands(t, admin, name, verbs)
	}
	for protocol := range streamclient.Executors {
		for _, called := range []string{web, id, id[:12]} {
			kubectl.Eventually(t, "the role reaches the runner", func() bool {
				output, err := execute(t.Context(), t, user(t, "runner"), protocol, called, "echo hello; exit 0")
				return err == nil && output == "hello\n"
			})
			for _, name := range []string{"getter", "creator", "nobody"} {
				output, err := execute(t.Context(), t, user(t, name), protocol, called, "echo hello")
				if err == nil || !strings.Contains(err.Error(), "forbidden") || output != "" {
					t.Errorf("%s, %s, %s: %q, %v", name, protocol, called, output, err)
				}
			}
		}
	}
}

func TestEverySessionNeedsTheRightToGetAndToCreateWhateverTheMethod(t *testing.T) {
	serve(t, "--engine-access=full")
	web, id := run(t, "web")
	admin := kubectl.Any(t, cluster.Admin())
	grantCommands(t, admin, "getter", "get")
	grantCommands(t, admin, "runner", "get, create")
	for _, subresource := range []string{"exec?command=true&stdout=true", "attach?stdout=true", "portforward?ports=7", "archive?path=/&stdout=true"} {
		for _, called := range []string{web, id, id[:12]} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				path := containers + called + "/" + subresource
				// None of the requests asks for an upgrade: with the right, that is what is wrong with them.
				kubectl.Eventually(t, "the role reaches the runner", func() bool { return statusOf(t, "runner", method, path) == http.StatusBadRequest })
				for _, name := range []string{"getter", "nobody"} {
					if status := statusOf(t, name, method, path); status != http.StatusForbidden {
						t.Errorf("%s, %s %s: %d", name, method, path, status)
					}
				}
			}
		}
	}
}

// statusOf sends a request through the aggregator, and returns the status of the answer.
func statusOf(t *testing.T, name, method, path string) int {
	t.Helper()
	config := config(t, user(t, name))
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), method, config.Host+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

// kube-apiserver ends ordinary requests after a minute.
func TestStreamsOutliveTheTimeLimitOfTheControlPlane(t *testing.T) {
	const pastTheLimit = 150
	serve(t, "--engine-access=full")
	ctx, cancel := context.WithTimeout(t.Context(), 2*pastTheLimit*time.Second)
	defer cancel()
	deadline, _ := ctx.Deadline()

	clock, web := engine.UniqueName("clock"), engine.UniqueName("web")
	docker.Run(t, clock, engine.Command("sh", "-c", "while :; do echo tick; sleep 1; done"))
	docker.Network(t, web, nil)
	docker.Run(t, web, engine.OnNetwork(web), engine.Command("nc", "-ll", "-p", "7", "-e", "cat"))

	idle := map[string]net.Conn{}
	for protocol := range streamclient.Dialers {
		addresses, err := streamclient.Forward(t, config(t, cluster.Admin()), protocol, containers+web, 7)
		if err != nil {
			t.Fatal(err)
		}
		kubectl.Eventually(t, "the container listens", func() bool {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addresses[0])
			if err != nil {
				return false
			}
			idle[protocol] = conn
			return streamclient.Echoes(conn, deadline)
		})
		defer idle[protocol].Close()
	}
	type result struct {
		protocol, output string
		err              error
	}
	commands := make(chan result)
	for protocol := range streamclient.Executors {
		go func() {
			output, err := execute(ctx, t, cluster.Admin(), protocol, web, fmt.Sprintf("sleep %d; echo alive; exit 7", pastTheLimit))
			commands <- result{protocol, output, err}
		}()
	}
	lines := kubectl.Any(t, cluster.Admin()).Follow(t, "get", "--raw", containers+clock+"/log?follow=true&tailLines=0")
	for range pastTheLimit {
		kubectl.AwaitLine(t, lines, "tick")
	}
	for range streamclient.Executors {
		if got := <-commands; got.output != "alive\n" || !strings.Contains(fmt.Sprint(got.err), "exit code 7") {
			t.Errorf("a command over %s: %q, %v", got.protocol, got.output, got.err)
		}
	}
	for protocol, conn := range idle {
		if !streamclient.Echoes(conn, deadline) {
			t.Errorf("a forwarded connection over %s is dead", protocol)
		}
	}
}
