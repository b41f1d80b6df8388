// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregated_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/streamclient"
)

// grantCommands gives users their rights to the commands of containers.
const grantCommands = `
apiVersion: v1
kind: Namespace
metadata: {name: rancher-desktop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: %[1]s, namespace: rancher-desktop}
rules: [{apiGroups: [containers.rancherdesktop.io], resources: [containers, containers/exec], verbs: [%[2]s]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: %[1]s, namespace: rancher-desktop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: %[1]s}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: %[1]s}]
`

// commandProtocols are the ways in which client-go runs commands.
var commandProtocols = map[string]func(*rest.Config, *url.URL) (remotecommand.Executor, error){
	"WebSocket by GET": func(config *rest.Config, u *url.URL) (remotecommand.Executor, error) {
		return remotecommand.NewWebSocketExecutor(config, http.MethodGet, u.String())
	},
	"SPDY by GET": func(config *rest.Config, u *url.URL) (remotecommand.Executor, error) {
		return remotecommand.NewSPDYExecutor(config, http.MethodGet, u)
	},
	"SPDY by POST": func(config *rest.Config, u *url.URL) (remotecommand.Executor, error) {
		return remotecommand.NewSPDYExecutor(config, http.MethodPost, u)
	},
}

// execute runs a script in a container, and returns its output.
func execute(ctx context.Context, t *testing.T, user, protocol, name, script string) (string, error) {
	t.Helper()
	config := config(t, user)
	u, err := url.Parse(config.Host + "/apis/containers.rancherdesktop.io/v1alpha1/namespaces/" + namespace + "/containers/" + name + "/exec?" +
		url.Values{"command": {"sh", "-c", script}, "stdout": {"true"}}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	executor, err := commandProtocols[protocol](config, u)
	if err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	err = executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: &output})
	return output.String(), err
}

func TestACommandNeedsTheRightToGetAndToCreateWhateverTheMethod(t *testing.T) {
	serve(t, "--engine-access=full")
	web, id := run(t, "web")
	admin := kubectl.Any(t, cluster.Admin())
	for name, verbs := range map[string]string{"getter": "get", "creator": "create", "runner": "get, create"} {
		admin.Apply(t, fmt.Sprintf(grantCommands, name, verbs))
	}
	for protocol := range commandProtocols {
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

// kube-apiserver ends ordinary requests after a minute.
func TestStreamsOutliveTheTimeLimitOfTheControlPlane(t *testing.T) {
	const pastTheLimit = 150
	serve(t, "--engine-access=full")
	ctx, cancel := context.WithTimeout(t.Context(), 2*pastTheLimit*time.Second)
	defer cancel()

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
			return echoes(ctx, conn)
		})
		defer idle[protocol].Close()
	}
	type result struct {
		protocol, output string
		err              error
	}
	commands := make(chan result)
	for protocol := range commandProtocols {
		go func() {
			output, err := execute(ctx, t, cluster.Admin(), protocol, web, fmt.Sprintf("sleep %d; echo alive; exit 7", pastTheLimit))
			commands <- result{protocol, output, err}
		}()
	}
	lines := kubectl.Any(t, cluster.Admin()).Follow(t, "get", "--raw", containers+clock+"/log?follow=true&tailLines=0")
	for range pastTheLimit {
		kubectl.AwaitLine(t, lines, "tick")
	}
	for range commandProtocols {
		if got := <-commands; got.output != "alive\n" || !strings.Contains(fmt.Sprint(got.err), "exit code 7") {
			t.Errorf("a command over %s: %q, %v", got.protocol, got.output, got.err)
		}
	}
	for protocol, conn := range idle {
		if !echoes(ctx, conn) {
			t.Errorf("a forwarded connection over %s is dead", protocol)
		}
	}
}

// echoes reports whether the other side sends back what it gets.
func echoes(ctx context.Context, conn net.Conn) bool {
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	if _, err := conn.Write([]byte("x")); err != nil {
		return false
	}
	answer := make([]byte, 1)
	_, err := io.ReadFull(conn, answer)
	return err == nil && answer[0] == 'x'
}
