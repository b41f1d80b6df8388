// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

// manifestOf returns a container of busybox that has its own values of many fields.
func manifestOf(t *testing.T, name string, change ...string) string {
	t.Helper()
	docker.RemoveAfter(t, name)
	text := fmt.Sprintf(`
apiVersion: containers.rancherdesktop.io/v1alpha1
kind: Container
metadata: {name: %s, labels: {app: shop}}
spec:
  image: busybox:latest
  command: [sh, -c]
  args: ["trap 'exit 0' TERM; while :; do sleep 3600 & wait; done"]
  env: [{name: COLOUR, value: blue}, {name: EMPTY}]
  workingDir: /tmp
  networkMode: none
  mounts: [{type: volume, target: /data}, {type: tmpfs, target: /scratch}]
  ports: [{containerPort: 80}]
  resources: {cpu: 500m, memory: 64Mi, pids: 100}
  restartPolicy: {name: unless-stopped}
  healthCheck: {command: ["true"], intervalSeconds: 60}
  securityContext: {capabilities: {drop: [NET_RAW]}}
`, name)
	return strings.NewReplacer(change...).Replace(text)
}

func TestAContainerThatIsAppliedTwiceIsUnchanged(t *testing.T) {
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		name := engine.UniqueName("applied")
		manifest := manifestOf(t, name)
		file := filepath.Join(t.TempDir(), "container.yaml")
		write(t, file, manifest)
		kubectl.Contains(t, k.Apply(t, manifest), "created")
		id := inspect(t, name).ID
		same := func(when string) {
			t.Helper()
			kubectl.Contains(t, k.Apply(t, manifest), "unchanged")
			if out, errOut, err := k.Try(t, "diff", "-f", file); err != nil || out != "" {
				t.Errorf("%s: kubectl diff: %v\n%s%s", when, err, out, errOut)
			}
			if now := inspect(t, name).ID; now != id {
				t.Errorf("%s: the container is another one", when)
			}
		}
		same("after the first apply")
		k.OK(t, "patch", "ctr", name, "--type=merge", "-p", `{"spec":{"state":"created"}}`)
		same("after a stop")
		version := k.OK(t, "get", "ctr", name, "-o", "jsonpath={.metadata.generation}")
		kubectl.Contains(t, k.Apply(t, manifest, "--server-side"), "applied")
		if now := k.OK(t, "get", "ctr", name, "-o", "jsonpath={.metadata.generation}"); now != version {
			t.Errorf("a server-side apply made the generation %s of %s", now, version)
		}
	})
}

func TestAServerSideApplyCreatesAContainer(t *testing.T) {
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		name := engine.UniqueName("applied")
		manifest := manifestOf(t, name)
		kubectl.Contains(t, k.Apply(t, manifest, "--server-side", "--dry-run=server"), "applied")
		if dockerStatus(t, name) != "gone" {
			t.Fatal("the dry run has made a container")
		}
		kubectl.Contains(t, k.Apply(t, manifest, "--server-side"), "applied")
		if got := dockerStatus(t, name); got != "running" {
			t.Errorf("the container is %s", got)
		}
	})
}

func TestAContainerIsReplacedByForce(t *testing.T) {
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		name := engine.UniqueName("forced")
		k.Apply(t, manifestOf(t, name))
		for colour, command := range map[string][]string{"red": {"replace", "--force"}, "green": {"apply", "--force"}} {
			before := inspect(t, name).ID
			file := filepath.Join(t.TempDir(), "container.yaml")
			write(t, file, manifestOf(t, name, "blue", colour))
			k.Fails(t, []string{"spec.env", "immutable"}, command[0], "-f", file)
			k.OK(t, append(command, "--grace-period=1", "-f", file)...)
			if inspected := inspect(t, name); inspected.ID == before || !strings.Contains(strings.Join(inspected.Config.Env, " "), "COLOUR="+colour) {
				t.Errorf("%v: %v", command, inspected.Config)
			}
		}
	})
}

func TestAReplacementNeedNotHaveTheLabelsOfTheImage(t *testing.T) {
	k := anyKubectl(t)
	base, image, name := engine.UniqueName("base"), engine.UniqueName("labelled")+":v1", engine.UniqueName("replaced")
	docker.Create(t, base)
	if _, err := docker.Client().ContainerCommit(t.Context(), base, container.CommitOptions{Reference: image, Changes: []string{"LABEL maintainer=someone"}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.OK(t, "delete", "img", image) })
	manifest := manifestOf(t, name, "busybox:latest", image)
	kubectl.Contains(t, k.With(t, manifest, "create", "-f", "-"), "created")
	if got := k.OK(t, "get", "ctr", name, "-o", "jsonpath={.metadata.labels}"); got != `{"app":"shop","maintainer":"someone"}` {
		t.Errorf("the labels are %s", got)
	}
	id := inspect(t, name).ID
	kubectl.Contains(t, k.With(t, manifest, "replace", "-f", "-"), "replaced")
	if inspect(t, name).ID != id {
		t.Error("the container is another one")
	}
}

func TestWhatGetShowsMakesTheContainerAgain(t *testing.T) {
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		name := engine.UniqueName("again")
		k.Apply(t, manifestOf(t, name))
		shown := k.OK(t, "get", "ctr", name, "-o", "json")
		file := filepath.Join(t.TempDir(), "container.json")
		var object map[string]any
		if err := json.Unmarshal([]byte(shown), &object); err != nil {
			t.Fatal(err)
		}
		metadata := object["metadata"].(map[string]any)
		for _, field := range []string{"resourceVersion", "uid"} {
			delete(metadata, field)
		}
		text, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		write(t, file, string(text))
		before := inspect(t, name)
		k.OK(t, "delete", "ctr", name, "--grace-period=1")
		k.OK(t, "create", "-f", file)
		after := inspect(t, name)
		before.Config.Hostname, after.Config.Hostname = "", "" // the beginnings of their IDs
		for what, pair := range map[string][2]any{"the configuration": {before.Config, after.Config}, "the host's part": {before.HostConfig, after.HostConfig}} {
			one, _ := json.Marshal(pair[0])
			other, _ := json.Marshal(pair[1])
			if string(one) != string(other) {
				t.Errorf("%s was %s, and is %s", what, one, other)
			}
		}
	})
}

func TestAContainerWhoseStartFailsIsCreatedWithAWarning(t *testing.T) {
	k := anyKubectl(t)
	name := engine.UniqueName("broken")
	stdout, stderr, err := k.TryWith(t, manifestOf(t, name, "[sh, -c]", "[no-such-program]"), "create", "-f", "-")
	if err != nil {
		t.Fatal(err, stderr)
	}
	kubectl.Contains(t, stdout, name, "created")
	kubectl.Contains(t, stderr, "Warning:", "could not start", "no-such-program")
	kubectl.Contains(t, k.OK(t, "get", "ctr", name, "-o", "jsonpath={.status.error}"), "no-such-program")
}

func TestTheExamplesCanBeApplied(t *testing.T) {
	k := anyKubectl(t)
	read := func(example string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join("..", "..", "artifacts", "examples", example+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		// Another program may have port 8080 of the host.
		return strings.Replace(string(text), "hostPort: 8080", "hostPort: 0", 1)
	}
	t.Cleanup(func() { k.OK(t, "delete", "net", "shop", "--ignore-not-found") })
	t.Cleanup(func() { k.OK(t, "delete", "vol", "site", "--ignore-not-found") })
	for _, name := range []string{"web", "job", "shop-backend", "shop-frontend"} {
		docker.RemoveAfter(t, name) // before the network and the volume are deleted
	}
	for _, example := range []struct {
		file  string
		names []string
	}{{"web", []string{"web"}}, {"job", []string{"job"}}, {"two-containers", []string{"shop-backend", "shop-frontend"}}} {
		manifest := read(example.file)
		kubectl.Contains(t, k.Apply(t, manifest), "created")
		for _, name := range example.names {
			if got := k.OK(t, "get", "ctr", name, "-o", "jsonpath={.spec.image}{.status.error}"); got != "busybox:latest" {
				t.Errorf("%s: the image and the error are %q", name, got)
			}
		}
		if out := k.Apply(t, manifest); strings.Contains(out, "configured") || strings.Contains(out, "created") {
			t.Errorf("%s: %s", example.file, out)
		}
	}
	kubectl.Eventually(t, "the web server is healthy", func() bool {
		return k.OK(t, "get", "ctr", "web", "-o", "jsonpath={.status.health}") == "healthy"
	})
	kubectl.Eventually(t, "the job has ended", func() bool {
		return k.OK(t, "get", "ctr", "job", "-o", "jsonpath={.status.status} {.status.exitCode}") == "exited 0"
	})
	kubectl.Contains(t, k.With(t, read("one-shot"), "create", "-f", "-"), "one-shot-", "created")
}
