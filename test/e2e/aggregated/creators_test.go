// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregated_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

// editorAndCreator gives one user the cluster's own role edit, and the other the role to create containers and the cluster's own role
// view. It returns the kubeconfigs of both once the roles have reached them. There is a container that both may see.
func editorAndCreator(t *testing.T) (editor, creator, container string) {
	t.Helper()
	kubectl.Any(t, cluster.Admin()).Apply(t, engineNamespace+
		binding("edgar-edits", "kind: ClusterRole, name: edit", "kind: User, name: edgar")+
		binding("carla-views", "kind: ClusterRole, name: view", "kind: User, name: carla")+
		binding("carla-creates", `kind: ClusterRole, name: "engine-apiserver:create-containers"`, "kind: User, name: carla"))
	editor, creator = user(t, "edgar"), user(t, "carla")
	container, _ = run(t, "seen")
	patch := []string{"patch", "ctr", container, "-n", namespace, "--dry-run=server", "--type=merge", "-p", `{"spec":{"state":"paused"}}`}
	kubectl.Eventually(t, "the role reaches the editor", succeeds(kubectl.Any(t, editor), patch...))
	kubectl.Eventually(t, "the roles reach the creator", func() bool {
		k := kubectl.Any(t, creator)
		return succeeds(k, "auth", "can-i", "create", ourContainers, "-n", namespace)() && succeeds(k, "get", "ctr", container, "-n", namespace)()
	})
	return editor, creator, container
}

const ourContainers = "containers.containers.rancherdesktop.io"

// manifestOf returns a container that waits, with a password in its environment.
func manifestOf(name, password string) string {
	return fmt.Sprintf(`{"apiVersion":"containers.rancherdesktop.io/v1alpha1","kind":"Container","metadata":{"name":%q,"namespace":%q},`+
		`"spec":{"image":%q,"command":["sleep","1d"],"networkMode":"none","env":[{"name":"PASSWORD","value":%q}]}}`, name, namespace, engine.Busybox, password)
}

func TestAnEditorCannotCreateContainersAndWhoHasTheRoleToCreateThemCanDoNothingElse(t *testing.T) {
	serve(t, "--engine-access=full")
	editor, creator, seen := editorAndCreator(t)
	kubectl.Each(t, editor, func(t *testing.T, k kubectl.Kubectl) {
		name := engine.UniqueName("refused")
		docker.RemoveAfter(t, name)
		for _, try := range [][]string{
			{"create", "-f", "-"}, {"create", "-f", "-", "--dry-run=server"}, {"apply", "-f", "-"}, {"apply", "-f", "-", "--server-side"},
			{"apply", "-f", "-", "--server-side", "--dry-run=server"}, {"create", "--raw", containers[:len(containers)-1], "-f", "-"},
		} {
			_, said, err := k.TryWith(t, manifestOf(name, "x"), append(try, "-n", namespace)...)
			if err == nil || !strings.Contains(said, `User "edgar" cannot create resource "containers"`) {
				t.Errorf("%q: %v, %s", try, err, said)
			}
		}
		if _, said, err := k.TryWith(t, manifestOf(name, "x"), "replace", "--raw", containers+name, "-f", "-"); err == nil {
			t.Errorf("a container was replaced that is not there: %s", said)
		}
		if found, err := docker.Client().ContainerInspect(t.Context(), name); !errdefs.IsNotFound(err) {
			t.Errorf("Docker has %+v, %v", found.Name, err)
		}
		if out, _, _ := k.Try(t, "auth", "can-i", "create", ourContainers, "-n", namespace); out != "no\n" {
			t.Errorf("can-i create: %s", out)
		}
	})
	kubectl.Each(t, creator, func(t *testing.T, k kubectl.Kubectl) {
		name := engine.UniqueName("made")
		docker.RemoveAfter(t, name)
		kubectl.Contains(t, k.With(t, manifestOf(name, "x"), "create", "-f", "-"), "created")
		if found := docker.Inspect(t, name); !found.State.Running || !slices.Contains(found.Config.Env, "PASSWORD=x") {
			t.Errorf("Docker has %+v with %q", found.State, found.Config.Env)
		}
		for _, denied := range [][]string{
			{"delete", "ctr", name}, {"delete", "ctr", "--all"}, {"delete", "ctr", seen}, {"patch", "ctr", name, "--type=merge", "-p", `{"spec":{"state":"paused"}}`},
			{"create", "--raw", containers + name + "/exec?command=id", "-f", "/dev/null"}, {"create", "--raw", containers + name + "/kill", "-f", "/dev/null"},
		} {
			k.Fails(t, []string{"Forbidden", "carla"}, append(denied, "-n", namespace)...)
		}
		// Not in another namespace either.
		elsewhere := strings.ReplaceAll(manifestOf(name, "x"), namespace, "default")
		if _, said, err := k.TryWith(t, elsewhere, "create", "-f", "-"); err == nil || !strings.Contains(said, "Forbidden") {
			t.Errorf("in another namespace: %v, %s", err, said)
		}
	})
}

func TestNoUserReadsTheValuesOfVariablesThroughTheCluster(t *testing.T) {
	serve(t, "--engine-access=full")
	editor, creator, _ := editorAndCreator(t)
	const secret = "hunter2"
	name := engine.UniqueName("secret")
	docker.RemoveAfter(t, name)
	manifest := manifestOf(name, secret)

	// Each of the watches has begun when it shows the first container.
	first, _ := run(t, "first")
	watches := map[string]<-chan string{}
	for _, who := range []string{editor, creator, cluster.Admin()} {
		k := kubectl.Any(t, who)
		for how, arguments := range map[string][]string{
			"raw":             {"get", "--raw", strings.TrimSuffix(containers, "/") + "?watch=true"},
			"raw from a list": {"get", "--raw", strings.TrimSuffix(containers, "/") + "?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"},
			"objects as JSON": {"get", "ctr", "-n", namespace, "-w", "--output-watch-events", "-o", "jsonpath={.type} {.object}{\"\\n\"}"},
			"a wide table":    {"get", "ctr", "-n", namespace, "-w", "--output-watch-events", "-o", "wide"},
		} {
			lines := withoutSecret(t, how, secret, k.Follow(t, arguments...))
			kubectl.AwaitLine(t, lines, first)
			watches[who+", "+how] = lines
		}
	}
	await := func(words ...string) {
		t.Helper()
		for _, lines := range watches {
			kubectl.AwaitLine(t, lines, append(words, name)...)
		}
	}
	said := map[string]string{}
	ask := func(who string, arguments ...string) {
		stdout, stderr, _ := kubectl.Any(t, who).TryWith(t, manifest, arguments...)
		said[who+" "+strings.Join(arguments, " ")] = stdout + stderr
	}
	ask(creator, "create", "-f", "-", "--dry-run=server", "-o", "yaml")
	ask(creator, "apply", "-f", "-", "-o", "yaml") // which puts the manifest into an annotation
	await("ADDED")
	if found := docker.Inspect(t, name); !slices.Contains(found.Config.Env, "PASSWORD="+secret) {
		t.Fatalf("Docker has %q", found.Config.Env)
	}
	for _, who := range []string{editor, creator, cluster.Admin()} {
		for _, arguments := range [][]string{
			{"get", "ctr", name, "-n", namespace, "-o", "yaml", "--show-managed-fields"}, {"get", "ctr", "-n", namespace, "-o", "json"}, {"describe", "ctr", name, "-n", namespace},
			{"get", "--raw", containers + name + "?resourceVersion=0"}, {"get", "--raw", strings.TrimSuffix(containers, "/") + "?resourceVersion=0"},
			{"get", "--raw", containers + found(t, name)[:12]}, {"get", "--raw", containers + name + "/top"}, {"get", "--raw", containers + name + "/top?psArgs=auxe"},
			{"get", "--raw", containers + name + "/top?psArgs=e"}, {"get", "--raw", containers + name + "/log"},
			{"patch", "ctr", name, "-n", namespace, "-o", "yaml", "-p", `{"spec":{"env":[{"name":"PASSWORD","value":"guess"}]}}`},
			{"patch", "ctr", name, "-n", namespace, "-o", "yaml", "--type=json", "-p", `[{"op":"test","path":"/spec/env/0/value","value":"guess"}]`},
			{"patch", "ctr", name, "-n", namespace, "-o", "yaml", "--type=json", "-p", `[{"op":"copy","from":"/spec/env/0","path":"/metadata/labels"}]`},
		} {
			ask(who, arguments...)
		}
	}
	ask(editor, "apply", "-f", "-", "-o", "yaml")
	ask(editor, "apply", "-f", "-", "--server-side", "-o", "yaml")
	ask(editor, "patch", "ctr", name, "-n", namespace, "-o", "yaml", "--type=merge", "-p", `{"spec":{"state":"paused"}}`)
	await("MODIFIED", "paused")
	ask(editor, "delete", "ctr", name, "-n", namespace, "--force", "--grace-period=0")
	await("DELETED")
	for what, text := range said {
		if strings.Contains(text, secret) {
			t.Errorf("%s tells the value:\n%s", what, text)
		}
		if strings.Contains(what, " get ctr ") && !strings.Contains(text, "PASSWORD") {
			t.Errorf("%s does not tell the name either:\n%s", what, text)
		}
	}
}

// found returns the ID of a container.
func found(t *testing.T, name string) string {
	t.Helper()
	return docker.Inspect(t, name).ID
}

// withoutSecret hands on lines, and fails the test for each that has the secret.
func withoutSecret(t *testing.T, what, secret string, lines <-chan string) <-chan string {
	read := make(chan string, cap(lines))
	go func() {
		defer close(read)
		for line := range lines {
			if strings.Contains(line, secret) {
				t.Errorf("a watch of %s tells the value:\n%s", what, line)
			}
			read <- line
		}
	}()
	return read
}
