// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package embedded_test uses the example of test/embedded, a control plane that has the server in its delegation chain.
package embedded_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"golang.org/x/net/websocket"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/rancher-sandbox/engine-apiserver/test/controlplane"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/streamclient"
)

const namespace = "rancher-desktop"

var (
	docker *engine.Engine
	server *controlplane.ControlPlane
)

func TestMain(m *testing.M) { os.Exit(engine.Main(serving{m}, &docker)) }

type serving struct{ *testing.M }

func (s serving) Run() int {
	return controlplane.MainEmbedded(s.M, &server, "--docker-host", docker.Host(), "--engine-access", "full")
}

func each(t *testing.T, run func(t *testing.T, k kubectl.Kubectl)) {
	kubectl.Each(t, server.Admin(), run)
}

func TestOneServerShowsItsOwnKindsAndTheEngines(t *testing.T) {
	each(t, func(t *testing.T, k kubectl.Kubectl) {
		name, volume := engine.UniqueName("web"), engine.UniqueName("data")
		docker.Run(t, name)
		docker.Volume(t, volume, nil)
		kubectl.Contains(t, k.OK(t, "get", "containers,images,volumes,namespaces,configmaps", "-A"),
			"container.containers.rancherdesktop.io/"+name, "volume.containers.rancherdesktop.io/"+volume,
			"image.containers.rancherdesktop.io/busybox:latest", "namespace/kube-system", "configmap/")
		kubectl.Contains(t, k.OK(t, "api-resources"), "containers.rancherdesktop.io/v1alpha1", "apiextensions.k8s.io/v1", "rbac.authorization.k8s.io/v1")
		kubectl.Contains(t, k.OK(t, "get", "apiservice", "v1alpha1.containers.rancherdesktop.io"), "Local", "True")
		kubectl.Contains(t, k.OK(t, "explain", "ctr.spec.state"), "running", "paused")
		kubectl.Contains(t, k.OK(t, "explain", "namespaces.spec"), "finalizers")
		kubectl.Contains(t, k.OK(t, "get", "--raw", "/openapi/v2"), "v1alpha1.Container", "v1.Namespace")
		kubectl.Contains(t, k.OK(t, "wait", "engine/moby", "-n", namespace, "--for=condition=ContainerEngineReady", "--timeout=60s"), "condition met")
	})
}

func TestChangesReachDockerAndWatches(t *testing.T) {
	each(t, func(t *testing.T, k kubectl.Kubectl) {
		name := engine.UniqueName("changes")
		lines := k.Follow(t, "get", "ctr", "-n", namespace, "-w")
		id := docker.Run(t, name)
		kubectl.AwaitLine(t, lines, name, "running")
		k.OK(t, "patch", "ctr", name, "-n", namespace, "--type=merge", "-p", `{"spec":{"state":"paused"}}`)
		kubectl.AwaitLine(t, lines, name, "paused")
		if state := inspect(t, id).State; !state.Paused {
			t.Errorf("Docker says %q", state.Status)
		}
		k.Apply(t, fmt.Sprintf("apiVersion: containers.rancherdesktop.io/v1alpha1\nkind: Container\nmetadata: {name: %s, namespace: %s}\nspec: {state: running}\n", name, namespace), "--server-side")
		kubectl.AwaitLine(t, lines, name, "running")
		k.OK(t, "delete", "ctr", name, "-n", namespace, "--grace-period=0", "--force")
		if _, err := docker.Client().ContainerInspect(t.Context(), id); err == nil {
			t.Error("Docker still has the container")
		}
	})
}

func TestALogIsReadAndFollowed(t *testing.T) {
	each(t, func(t *testing.T, k kubectl.Kubectl) {
		name := engine.UniqueName("log")
		id := docker.Run(t, name, engine.Command("sh", "-c", "trap 'echo hup' HUP; echo ready; while :; do sleep 3600 & wait; done"))
		path := "/apis/containers.rancherdesktop.io/v1alpha1/namespaces/" + namespace + "/containers/" + name
		lines := k.Follow(t, "get", "--raw", path+"/log?follow=true")
		kubectl.AwaitLine(t, lines, "ready")
		if err := docker.Client().ContainerKill(t.Context(), id, "HUP"); err != nil {
			t.Fatal(err)
		}
		kubectl.AwaitLine(t, lines, "hup")
		kubectl.Contains(t, k.OK(t, "get", "--raw", path+"/log?tailLines=1"), "hup")
		kubectl.Contains(t, k.OK(t, "get", "--raw", path+"/top"), "PID")
	})
}

func TestEverySessionWorks(t *testing.T) {
	config, err := clientcmd.BuildConfigFromFlags("", server.Admin())
	if err != nil {
		t.Fatal(err)
	}
	streamclient.Check(t, config, "/apis/containers.rancherdesktop.io/v1alpha1/namespaces/"+namespace+"/containers/", docker)
}

func inspect(t *testing.T, id string) container.InspectResponse {
	t.Helper()
	found, err := docker.Client().ContainerInspect(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestTheControlPlanesRBACDecides(t *testing.T) {
	k := kubectl.Any(t, server.Admin())
	name := engine.UniqueName("rbac")
	docker.Run(t, name)
	k.Fails(t, []string{"Forbidden", "jane"}, "get", "ctr", name, "-n", namespace, "--as", "jane")
	k.OK(t, "create", "clusterrole", "reader", "--verb=get,list", "--resource=containers.containers.rancherdesktop.io")
	k.OK(t, "create", "clusterrolebinding", "reader", "--clusterrole=reader", "--user=jane")
	kubectl.Eventually(t, "jane may read", func() bool {
		_, _, err := k.Try(t, "get", "ctr", name, "-n", namespace, "--as", "jane")
		return err == nil
	})
	k.Fails(t, []string{"Forbidden", "delete"}, "delete", "ctr", name, "-n", namespace, "--as", "jane")
	if stdout, _, _ := k.Try(t, "auth", "can-i", "delete", "containers.containers.rancherdesktop.io", "-n", namespace, "--as", "jane"); stdout != "no\n" {
		t.Errorf("can-i delete as jane: %s", stdout)
	}
}

func TestTheLogForDesktopClientsNeedsTheRightToGetTheLogAndNoOther(t *testing.T) {
	k := kubectl.Any(t, server.Admin())
	config, err := clientcmd.BuildConfigFromFlags("", server.Admin())
	if err != nil {
		t.Fatal(err)
	}
	name := engine.UniqueName("desktop")
	docker.Run(t, name, engine.Command("sh", "-c", "echo one; sleep 123456"))
	read := func(user string) (string, error) {
		ws, err := websocket.NewConfig("wss"+strings.TrimPrefix(config.Host, "https")+"/passthrough/engine/logs/"+name+"?follow=false", "https://localhost")
		if err != nil {
			t.Fatal(err)
		}
		if ws.TlsConfig, err = rest.TLSConfigFor(config); err != nil {
			t.Fatal(err)
		}
		ws.Header = http.Header{"Authorization": {"Bearer " + config.BearerToken}, "Impersonate-User": {user}}
		conn, err := ws.DialContext(t.Context())
		if err != nil {
			return "", err
		}
		defer conn.Close()
		log, err := io.ReadAll(conn)
		return string(log), err
	}
	k.OK(t, "create", "clusterrole", "log-reader", "--verb=get", "--resource=containers.containers.rancherdesktop.io/log")
	k.OK(t, "create", "clusterrolebinding", "log-reader", "--clusterrole=log-reader", "--user=lily")
	kubectl.Eventually(t, "lily reads the log", func() bool {
		log, err := read("lily")
		return err == nil && log == "one\n"
	})
	if log, err := read("bob"); err == nil {
		t.Errorf("bob has no rights, and reads %q", log)
	}
}

func TestCustomResourcesBehindTheEngineStillWork(t *testing.T) {
	k := kubectl.Any(t, server.Admin())
	k.Apply(t, `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  names: {kind: Thing, plural: things}
  scope: Cluster
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`)
	k.OK(t, "wait", "crd/things.example.com", "--for=condition=Established", "--timeout=60s")
	kubectl.Eventually(t, "things can be created", func() bool {
		_, _, err := k.Try(t, "create", "-f", "testdata/thing.yaml")
		return err == nil
	})
	kubectl.Contains(t, k.OK(t, "get", "things"), "one")
}

func TestDockerDownLeavesTheControlPlaneUp(t *testing.T) {
	k := kubectl.Any(t, server.Admin())
	if err := docker.Terminate(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := docker.Restart(); err != nil {
			t.Error(err)
		}
		k.OK(t, "wait", "engine/moby", "-n", namespace, "--for=condition=ContainerEngineReady", "--timeout=60s")
	}()
	k.OK(t, "wait", "engine/moby", "-n", namespace, "--for=condition=ContainerEngineReady=False", "--timeout=60s")
	k.Fails(t, []string{"ServiceUnavailable", "container engine"}, "get", "ctr", "-n", namespace)
	k.OK(t, "get", "namespaces")
	k.OK(t, "get", "--raw", "/readyz")
	k.OK(t, "create", "configmap", "made-while-down")
	kubectl.Contains(t, k.OK(t, "get", "configmaps"), "made-while-down")
}
