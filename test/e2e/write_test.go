// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

// dockerStatus returns the status of a container as Docker reports it, or "gone".
func dockerStatus(t *testing.T, id string) string {
	t.Helper()
	if inspected := docker.Inspect(t, id); inspected != nil {
		return inspected.State.Status
	}
	return "gone"
}

func TestPatchingStateIsADockerCall(t *testing.T) {
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		name := engine.UniqueName("state")
		id := docker.Create(t, name)
		for _, step := range []struct{ patch, body, status, state string }{
			{"merge", `{"spec":{"state":"running"}}`, "running", "running"},
			{"json", `[{"op":"replace","path":"/spec/state","value":"paused"}]`, "paused", "paused"},
			{"merge", `{"spec":{"state":"running"}}`, "running", "running"},
			{"json", `[{"op":"test","path":"/spec/state","value":"running"},{"op":"replace","path":"/spec/state","value":"created"}]`, "exited", "created"},
		} {
			out := k.OK(t, "patch", "ctr", name, "--type", step.patch, "-p", step.body, "-o", "jsonpath={.spec.state} {.status.status}")
			if out != step.state+" "+step.status || dockerStatus(t, id) != step.status {
				t.Fatalf("after %s the answer is %q and Docker says %s", step.body, out, dockerStatus(t, id))
			}
		}
		kubectl.Contains(t, k.OK(t, "patch", "ctr", name, "--type=merge", "-p", `{"spec":{"state":"created"}}`), "no change")
		k.Fails(t, []string{"not running"}, "patch", "ctr", name, "--type=merge", "-p", `{"spec":{"state":"paused"}}`)
		k.Fails(t, []string{`"broken"`, `"running"`, `"paused"`, `"created"`}, "patch", "ctr", name, "--type=merge", "-p", `{"spec":{"state":"broken"}}`)
		k.Fails(t, []string{"label"}, "label", "ctr", name, "a=b")
		k.Fails(t, []string{"annotation"}, "annotate", "ctr", name, "a=b")
	})
}

func TestEditAndReplaceChangeTheState(t *testing.T) {
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		name := engine.UniqueName("edited")
		id := docker.Run(t, name)
		edit := k.Command(t.Context(), "edit", "ctr", name)
		edit.Env = append(edit.Env, "KUBE_EDITOR=sed -i s/state:.running/state:\\ paused/")
		if out, errOut, err := kubectl.Capture(edit); err != nil {
			t.Fatalf("%v: %s%s", err, out, errOut)
		}
		if got := dockerStatus(t, id); got != "paused" {
			t.Errorf("after the edit Docker says %s", got)
		}
		file := filepath.Join(t.TempDir(), "container.json")
		manifest := strings.Replace(k.OK(t, "get", "ctr", name, "-o", "json"), `"state": "paused"`, `"state": "running"`, 1)
		write(t, file, manifest)
		kubectl.Contains(t, k.OK(t, "replace", "-f", file), "replaced")
		if got := dockerStatus(t, id); got != "running" {
			t.Errorf("after the replace Docker says %s", got)
		}
		// The file still has the resourceVersion from before the replace.
		write(t, file, strings.Replace(manifest, `"state": "running"`, `"state": "created"`, 1))
		k.Fails(t, []string{"the object has been modified"}, "replace", "-f", file)
	})
}

func TestApplyOfAnUnchangedObjectSaysUnchanged(t *testing.T) {
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		name := engine.UniqueName("applied")
		id := docker.Run(t, name)
		file := filepath.Join(t.TempDir(), "container.yaml")
		write(t, file, manifest(name, "running"))
		k.OK(t, "apply", "-f", file)
		kubectl.Contains(t, k.OK(t, "apply", "-f", file), "unchanged")
		write(t, file, manifest(name, "paused"))
		kubectl.Contains(t, k.OK(t, "apply", "-f", file), "configured")
		if got := dockerStatus(t, id); got != "paused" {
			t.Errorf("after the apply Docker says %s", got)
		}
		kubectl.Contains(t, k.OK(t, "apply", "-f", file), "unchanged")
		kubectl.Contains(t, k.OK(t, "diff", "-f", file), "")
	})
}

func TestServerSideApplyConflictsWithNobody(t *testing.T) {
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		name := engine.UniqueName("ssa")
		id := docker.Run(t, name)
		file := filepath.Join(t.TempDir(), "container.yaml")
		version := func() string { return k.OK(t, "get", "ctr", name, "-o", "jsonpath={.metadata.resourceVersion}") }
		for _, step := range []struct{ manager, state, status string }{
			{"alice", "paused", "paused"}, {"bob", "running", "running"}, {"alice", "paused", "paused"}, {"bob", "created", "exited"},
		} {
			write(t, file, manifest(name, step.state))
			k.OK(t, "apply", "--server-side", "--field-manager", step.manager, "-f", file)
			if got := dockerStatus(t, id); got != step.status {
				t.Errorf("after %s applied %s Docker says %s", step.manager, step.state, got)
			}
			before := version()
			k.OK(t, "apply", "--server-side", "--field-manager", step.manager, "-f", file)
			k.OK(t, "apply", "--server-side", "--dry-run=server", "--field-manager", "carol", "-f", file)
			if after := version(); after != before {
				t.Errorf("applying an unchanged object took version %s to %s", before, after)
			}
		}
	})
}

func TestActionAnnotationIsAOneShotCommand(t *testing.T) {
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		name := engine.UniqueName("action")
		id := docker.Run(t, name)
		for _, step := range []struct{ action, status string }{
			{"pause", "paused"}, {"unpause", "running"}, {"restart", "running"}, {"stop", "exited"}, {"start", "running"},
		} {
			k.OK(t, "annotate", "ctr", name, "containers.rancherdesktop.io/action="+step.action)
			if got := dockerStatus(t, id); got != step.status {
				t.Errorf("after %s Docker says %s", step.action, got)
			}
			got := k.OK(t, "get", "ctr", name, "-o", "jsonpath={.status.lastAction.action} {.status.lastAction.state} {.metadata.annotations}")
			if got != step.action+" Succeeded " {
				t.Errorf("after %s the object says %q", step.action, got)
			}
		}
		k.OK(t, "annotate", "ctr", name, "containers.rancherdesktop.io/action=stop")
		_, warning, err := k.Try(t, "annotate", "ctr", name, "containers.rancherdesktop.io/action=unpause")
		if err != nil {
			t.Errorf("a failed action is answered with %v", err)
		}
		kubectl.Contains(t, warning, "Warning:", "not running")
		kubectl.Contains(t, k.OK(t, "get", "ctr", name, "-o", "jsonpath={.status.lastAction}"), "Failed", "not running")
		k.Fails(t, []string{`"explode"`, `"restart"`}, "annotate", "ctr", name, "containers.rancherdesktop.io/action=explode")
	})
}

func TestDeletes(t *testing.T) {
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		running, stopped, stubborn := engine.UniqueName("running"), engine.UniqueName("stopped"), engine.UniqueName("stubborn")
		ids := map[string]string{
			running: docker.Run(t, running), stopped: docker.Create(t, stopped),
			stubborn: docker.Run(t, stubborn, engine.Command(engine.Stubborn...)),
		}
		kubectl.Contains(t, k.OK(t, "delete", "ctr", running, stopped), running, stopped, "deleted")
		for _, name := range []string{running, stopped} {
			if got := dockerStatus(t, ids[name]); got != "gone" {
				t.Errorf("after the delete of %s Docker says %s", name, got)
			}
		}

		k.OK(t, "delete", "ctr", stubborn, "--grace-period=600", "--wait=false")
		kubectl.Contains(t, k.OK(t, "get", "ctr", stubborn, "-o", "jsonpath={.metadata.deletionTimestamp} {.metadata.deletionGracePeriodSeconds}"), "T", " 600")
		k.Fails(t, []string{"being deleted"}, "patch", "ctr", stubborn, "--type=merge", "-p", `{"spec":{"state":"paused"}}`)
		kubectl.Contains(t, k.OK(t, "delete", "ctr", stubborn, "--force", "--grace-period=0"), "force deleted")
		kubectl.Eventually(t, "the stubborn container is gone", func() bool { return dockerStatus(t, ids[stubborn]) == "gone" })
		k.Fails(t, []string{"NotFound"}, "delete", "ctr", running)

		user, tag, volume := engine.UniqueName("user"), engine.UniqueName("used")+":1", engine.UniqueName("used")
		docker.Image(t, tag)
		docker.Volume(t, volume, nil)
		docker.Create(t, user, engine.FromImage(tag), func(_ *container.Config, host *container.HostConfig) { host.Binds = []string{volume + ":/data"} })
		k.Fails(t, []string{"Conflict", user}, "delete", "img", tag)
		k.Fails(t, []string{"Conflict", user}, "delete", "vol", volume)
		kubectl.Contains(t, k.OK(t, "delete", "img", tag, "--force", "--grace-period=0"), "deleted")
		kubectl.Contains(t, k.OK(t, "delete", "ctr", user), "deleted")
		kubectl.Contains(t, k.OK(t, "delete", "vol", volume), "deleted")
		k.Fails(t, []string{"NotFound"}, "get", "vol", volume)
	})
}

func TestDeleteCollectionHonoursSelectors(t *testing.T) {
	k := anyKubectl(t)
	label := engine.UniqueName("label")
	keep := engine.UniqueName("keep")
	kept := docker.Create(t, keep)
	var ids []string
	for range 3 {
		ids = append(ids, docker.Create(t, engine.UniqueName("collected"), engine.Labels(map[string]string{"group": label})))
	}
	volumes := []string{engine.UniqueName("collected"), engine.UniqueName("collected")}
	for _, name := range volumes {
		docker.Volume(t, name, map[string]string{"group": label})
	}
	k.OK(t, "delete", "ctr", "-l", "group="+label, "--dry-run=server")
	for _, id := range ids {
		if got := dockerStatus(t, id); got != "created" {
			t.Errorf("after a dry run Docker says %s", got)
		}
	}
	k.OK(t, "delete", "ctr,vol", "-l", "group="+label)
	for _, id := range ids {
		if got := dockerStatus(t, id); got != "gone" {
			t.Errorf("after the delete Docker says %s", got)
		}
	}
	for _, name := range volumes {
		k.Fails(t, []string{"NotFound"}, "get", "vol", name)
	}
	if got := dockerStatus(t, kept); got != "created" {
		t.Errorf("the container that the selector does not match is %s", got)
	}
}

func TestDeletedTagLeavesTheOthersAndTheImage(t *testing.T) {
	k := anyKubectl(t)
	first, second := engine.UniqueName("tagged")+":1", engine.UniqueName("tagged")+":2"
	id := docker.Image(t, first)
	docker.Tag(t, first, second)
	k.OK(t, "delete", "img", first)
	k.Fails(t, []string{"NotFound"}, "get", "img", first)
	kubectl.Contains(t, k.OK(t, "get", "img", second, "-o", "jsonpath={.status.id}"), id)
}

func TestDeleteOfAMovedTagCannotReachTheNewImage(t *testing.T) {
	k := anyKubectl(t)
	tag := engine.UniqueName("moved") + ":1"
	docker.Image(t, tag)
	old := k.OK(t, "get", "img", tag, "-o", "jsonpath={.metadata.uid}")
	moved := docker.Image(t, tag)
	body := `{"kind":"DeleteOptions","apiVersion":"v1","preconditions":{"uid":"` + old + `"}}`
	file := filepath.Join(t.TempDir(), "options.json")
	write(t, file, body)
	k.Fails(t, []string{"UID in the precondition"}, "delete", "--raw",
		"/apis/containers.rancherdesktop.io/v1alpha1/namespaces/rancher-desktop/images/"+tag, "-f", file)
	kubectl.Contains(t, k.OK(t, "get", "img", tag, "-o", "jsonpath={.status.id}"), moved)
}

func TestWaitForEveryKindOfCondition(t *testing.T) {
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		name := engine.UniqueName("waited")
		id := docker.Create(t, name)
		k.OK(t, "get", "ctr", name) // the server can list a container while Docker starts it only if it has seen the container before
		background := func(args ...string) <-chan error {
			done := make(chan error, 1)
			command := k.Command(context.WithoutCancel(t.Context()), append(args, "--timeout=60s")...)
			go func() {
				_, errOut, err := kubectl.Capture(command)
				if err != nil {
					t.Errorf("kubectl %v: %v: %s", args, err, errOut)
				}
				done <- err
			}()
			return done
		}
		waits := []<-chan error{
			background("wait", "ctr/"+name, "--for=condition=Running"),
			background("wait", "ctr/"+id[:12], "--for=condition=Running"),
			background("wait", "ctr/"+name, "--for=jsonpath={.status.status}=running"),
			background("wait", "ctr", "--field-selector", "status.id="+id, "--for=condition=Running"),
		}
		if err := docker.Client().ContainerStart(t.Context(), id, container.StartOptions{}); err != nil {
			t.Fatal(err)
		}
		for _, wait := range waits {
			<-wait
		}
		waits = []<-chan error{
			background("wait", "ctr/"+name, "--for=delete"),
			background("wait", "ctr/"+id, "--for=delete"),
			background("wait", "ctr", "--field-selector", "status.name="+name, "--for=delete"),
		}
		if err := docker.Client().ContainerRemove(t.Context(), id, container.RemoveOptions{Force: true}); err != nil {
			t.Fatal(err)
		}
		for _, wait := range waits {
			<-wait
		}
		later := engine.UniqueName("later")
		waits = []<-chan error{
			background("wait", "ctr/"+later, "--for=create"),
			background("wait", "ctr", "--field-selector", "status.name="+later, "--for=create"),
		}
		waits = append(waits, background("wait", "ctr/"+docker.Create(t, later), "--for=create"))
		for _, wait := range waits {
			<-wait
		}
	})
}

func TestDryRunChangesNothing(t *testing.T) {
	k := anyKubectl(t)
	name, tag, volume := engine.UniqueName("dry"), engine.UniqueName("dry")+":1", engine.UniqueName("dry")
	id := docker.Run(t, name)
	docker.Image(t, tag)
	docker.Volume(t, volume, nil)
	file := filepath.Join(t.TempDir(), "container.yaml")
	write(t, file, manifest(name, "paused"))
	look := []string{"get", "ctr/" + name, "img/" + tag, "vol/" + volume, "-o", "json"}
	before := k.OK(t, look...)
	for _, args := range [][]string{
		{"delete", "ctr", name}, {"delete", "ctr", name, "--force", "--grace-period=0"}, {"delete", "img", tag}, {"delete", "vol", volume},
		{"patch", "ctr", name, "--type=merge", "-p", `{"spec":{"state":"created"}}`},
		{"patch", "ctr", name, "--type=json", "-p", `[{"op":"replace","path":"/spec/state","value":"paused"}]`},
		{"apply", "-f", file}, {"apply", "--server-side", "-f", file}, {"replace", "-f", file},
		{"annotate", "ctr", name, "containers.rancherdesktop.io/action=restart"},
	} {
		k.OK(t, append(args, "--dry-run=server")...)
		after := k.OK(t, look...)
		if after != before {
			t.Errorf("kubectl %v --dry-run=server changed\n%s\nto\n%s", args, before, after)
		}
		before = after
	}
	if got := dockerStatus(t, id); got != "running" {
		t.Errorf("Docker says %s", got)
	}
}

func manifest(name, state string) string {
	object := map[string]any{
		"apiVersion": "containers.rancherdesktop.io/v1alpha1",
		"kind":       "Container",
		"metadata":   map[string]any{"name": name},
		"spec":       map[string]any{"state": state},
	}
	encoded, err := json.Marshal(object)
	if err != nil {
		panic(err)
	}
	return string(encoded)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
