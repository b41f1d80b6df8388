// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/discovery"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

func TestGetShowsWhatDockerHoldsNow(t *testing.T) {
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		name, volume := engine.UniqueName("Web_Server"), engine.UniqueName("My_Vol_Ume")
		id := docker.Run(t, name, engine.Labels(map[string]string{"com.docker.compose.project": name, "not a label": "!"}))
		docker.Volume(t, volume, nil)
		tag := engine.UniqueName("localhost:5000/team/app") + ":v1"
		image := docker.Image(t, tag)

		kubectl.Contains(t, k.OK(t, "get", "containers,images,volumes,networks,containernamespaces"),
			"container.containers.rancherdesktop.io/"+name, "volume.containers.rancherdesktop.io/"+volume,
			"image.containers.rancherdesktop.io/"+strings.ReplaceAll(tag, "/", "~"), "network.containers.rancherdesktop.io/host", "containernamespace.containers.rancherdesktop.io/moby")
		kubectl.Contains(t, k.OK(t, "get", "engine"), name, volume)
		kubectl.Contains(t, k.OK(t, "get", "ctr", name, "-o", "wide"), "running", id[:12], "COMMAND", "PID", "HEALTH")
		kubectl.Contains(t, k.OK(t, "get", "img", "-o", "wide"), strings.TrimPrefix(image, "sha256:")[:12], "OS/ARCH", "DIGEST")
		kubectl.Contains(t, k.OK(t, "get", "vol", volume, "-o", "wide"), "local", "SCOPE", "MOUNTPOINT")
		kubectl.Contains(t, k.OK(t, "get", "ctr", "-A"), "NAMESPACE", "rancher-desktop", name)
		kubectl.Contains(t, k.OK(t, "get", "ctr", "-l", "com.docker.compose.project="+name, "-o", "name"), name)
		kubectl.Contains(t, k.OK(t, "get", "ctr", name, "-o", "jsonpath={.status.labels}"), "not a label")
		kubectl.Contains(t, k.OK(t, "describe", "ctr", name), "Running", "Started")
		if out := k.OK(t, "get", "ctr", "-n", "elsewhere", "-o", "name"); out != "" {
			t.Errorf("another namespace shows %s", out)
		}
		k.Fails(t, []string{"NotFound"}, "get", "ctr", name, "-n", "elsewhere")
		k.Fails(t, []string{"NotFound", `"nothing"`}, "get", "ctr", "nothing")
		k.Fails(t, []string{"not a field"}, "get", "ctr", "--field-selector", "status.pid=1")
	})
}

func TestColumnsAreThoseOfTheContract(t *testing.T) {
	docker.Run(t, engine.UniqueName("columns"))
	docker.Volume(t, engine.UniqueName("columns"), nil)
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		for resource, want := range map[string][2]string{
			"containers": {"NAME IMAGE STATUS PORTS AGE", "ID COMMAND PID HEALTH"},
			"images":     {"NAME ID SIZE AGE", "OS/ARCH DIGEST IN-USE DANGLING"},
			"volumes":    {"NAME DRIVER AGE", "SCOPE MOUNTPOINT IN-USE ANONYMOUS"},
			"networks":   {"NAME DRIVER SCOPE AGE", "ID SUBNETS CONTAINERS"},
			"engines":    {"NAME VERSION READY CONTAINERS IMAGES VOLUMES NETWORKS", "ENDPOINT OS/ARCH STORAGE-DRIVER"},

			"containermetrics": {"NAME CPU MEMORY LIMIT PIDS AGE", ""},
		} {
			for _, header := range []struct {
				args []string
				want string
			}{
				{[]string{"get", resource}, want[0]},
				{[]string{"get", resource, "-o", "wide"}, strings.TrimSpace(want[0] + " " + want[1])},
			} {
				first, _, _ := strings.Cut(k.OK(t, header.args...), "\n")
				if got := strings.Join(strings.Fields(first), " "); got != header.want {
					t.Errorf("kubectl %v: columns %q, want %q", header.args, got, header.want)
				}
			}
		}
	})
}

func TestStatusColumnReadsLikeDockerPs(t *testing.T) {
	k := anyKubectl(t)
	name := engine.UniqueName("exits")
	id := docker.Run(t, name, engine.Command("sh", "-c", "exit 137"))
	wait, errs := docker.Client().ContainerWait(t.Context(), id, container.WaitConditionNotRunning)
	select {
	case <-wait:
	case err := <-errs:
		t.Fatal(err)
	}
	kubectl.Contains(t, k.OK(t, "get", "ctr", name), "exited (137)")
}

func TestAnswersToIDs(t *testing.T) {
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		name := engine.UniqueName("byid")
		id := docker.Run(t, name)
		for _, asked := range []string{id, id[:12]} {
			kubectl.Contains(t, k.OK(t, "get", "ctr", asked, "-o", "jsonpath={.metadata.name} {.status.name}"), asked+" "+name)
			kubectl.Contains(t, k.OK(t, "get", "ctr", "--field-selector", "metadata.name="+asked, "-o", "name"), asked)
			kubectl.Contains(t, k.OK(t, "get", "ctr", "-A", "--field-selector", "metadata.name="+asked, "-o", "name"), asked)
			kubectl.Contains(t, k.OK(t, "patch", "ctr", asked, "--type=merge", "-p", `{"spec":{"state":"paused"}}`), "patched")
			kubectl.Contains(t, k.OK(t, "get", "ctr", "--field-selector", "status.id="+id, "-o", "jsonpath={.items[*].spec.state}"), "paused")
			k.OK(t, "patch", "ctr", asked, "--type=merge", "-p", `{"spec":{"state":"running"}}`)
		}
		k.Fails(t, []string{"NotFound"}, "get", "ctr", id[:11])
		kubectl.Contains(t, k.OK(t, "delete", "ctr", id[:12], "--now"), "deleted")
		k.Fails(t, []string{"NotFound"}, "get", "ctr", name)

		tag := engine.UniqueName("byid") + ":1"
		image := docker.Image(t, tag)
		kubectl.Contains(t, k.OK(t, "get", "img", image, "-o", "jsonpath={.metadata.name} {.status.repoTag}"), image+" "+tag)
		docker.Tag(t, tag, tag+"b")
		k.Fails(t, []string{"NotFound"}, "get", "img", image)
	})
}

func TestDiscoveryListsExactlyTheVerbsThatWork(t *testing.T) {
	client, err := discovery.NewDiscoveryClientForConfig(server.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	list, err := client.ServerResourcesForGroupVersion("containers.rancherdesktop.io/v1alpha1")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		"containers":             {"create", "get", "list", "watch", "update", "patch", "delete", "deletecollection"},
		"images":                 {"create", "get", "list", "watch", "update", "patch", "delete", "deletecollection"},
		"volumes":                {"create", "get", "list", "watch", "update", "patch", "delete", "deletecollection"},
		"networks":               {"create", "get", "list", "watch", "update", "patch", "delete", "deletecollection"},
		"containernamespaces":    {"get", "list", "watch"},
		"engines":                {"get", "list", "watch"},
		"containermetrics":       {"get", "list", "watch"},
		"containers/log":         {"get"},
		"containers/top":         {"get"},
		"containers/kill":        {"create"},
		"containers/rename":      {"create"},
		"containers/exec":        {"create", "get"},
		"containers/attach":      {"create", "get"},
		"containers/portforward": {"create", "get"},
		"containers/archive":     {"create", "get"},
		"imagepullrequests":      {"get", "list", "watch", "create", "delete", "deletecollection"},
		"imagepullrequests/log":  {"get"},
		"imagepushrequests":      {"get", "list", "watch", "create", "delete", "deletecollection"},
		"imagepushrequests/log":  {"get"},
	}
	shortNames := map[string]string{"containers": "ctr", "images": "img", "volumes": "vol", "networks": "net", "imagepullrequests": "pull", "imagepushrequests": "push", "containernamespaces": "cns", "engines": "eng"}
	if len(list.APIResources) != len(want) {
		t.Errorf("%d resources, want %d", len(list.APIResources), len(want))
	}
	for _, resource := range list.APIResources {
		if !sets.New(resource.Verbs...).Equal(sets.New(want[resource.Name]...)) {
			t.Errorf("%s: verbs %v, want %v", resource.Name, resource.Verbs, want[resource.Name])
		}
		category := "engine"
		if strings.Contains(resource.Name, "/") || resource.Name == "containermetrics" {
			category = "" // subresources have none, and lists of metrics cost samples
		}
		if !resource.Namespaced || strings.Join(resource.Categories, ",") != category || strings.Join(resource.ShortNames, ",") != shortNames[resource.Name] {
			t.Errorf("%s: namespaced %t, categories %v, short names %v", resource.Name, resource.Namespaced, resource.Categories, resource.ShortNames)
		}
	}
}

func TestExplainReadsLikeDocumentation(t *testing.T) {
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		kubectl.Contains(t, k.OK(t, "explain", "container.status"), "GROUP:", "KIND:", "exitCode", "exit code of the last run")
		for field, words := range map[string]string{
			"ctr.spec.state": "restart policy", "ctr.spec.env.value": "docker run: --env", "ctr.spec.mounts.bind.propagation": "docker run: --mount with bind-propagation",
			"ctr.spec.healthCheck.retries": "docker run: --health-retries", "ctr.spec.securityContext.capabilities.add": "docker run: --cap-add",
			"vol.spec.driver": "docker volume create: --driver", "net.spec.ipam.config.subnet": "docker network create: --subnet",
			"pull.spec.repoTag": "latest", "push.spec.imageRef": "metadata.name of the Image",
		} {
			// kubectl breaks the lines of a description.
			if text := strings.Join(strings.Fields(k.OK(t, "explain", field)), " "); !strings.Contains(text, words) {
				t.Errorf("%q is missing in %s", words, text)
			}
		}
		for _, kind := range []string{"containers", "images", "volumes", "networks", "imagepullrequests", "imagepushrequests", "containernamespaces", "engines", "containermetrics"} {
			text := k.OK(t, "explain", "--recursive", kind)
			kubectl.Contains(t, text, "DESCRIPTION:")
			if regexp.MustCompile(`<no description>`).MatchString(text) {
				t.Errorf("a field of %s is not described:\n%s", kind, text)
			}
		}
	})
}

func TestWatchFollowsAContainersLife(t *testing.T) {
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		name := engine.UniqueName("watched")
		watch := k.Command(t.Context(), "get", "ctr", "-w", "--output-watch-events", "-o", "json", "--field-selector", "status.name="+name)
		out, err := watch.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := watch.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			_ = watch.Process.Kill()
			_ = watch.Wait()
		}()
		decoder := json.NewDecoder(bufio.NewReader(out))
		events := make(chan string, 16)
		go func() {
			for {
				var event struct {
					Type   string
					Object struct {
						Status struct{ Status string }
					}
				}
				if decoder.Decode(&event) != nil {
					close(events)
					return
				}
				events <- event.Type + " " + event.Object.Status.Status
			}
		}()
		expect := func(want string) {
			t.Helper()
			select {
			case got := <-events:
				if got != want {
					t.Fatalf("the watch shows %q, want %q", got, want)
				}
			case <-time.After(2 * time.Minute):
				t.Fatalf("the watch never showed %q", want)
			}
		}
		// kubectl prints the same first event whether its list or its watch shows the container first. After this event, the watch
		// reports every change.
		id := docker.Create(t, name)
		expect("ADDED created")
		client := docker.Client()
		if err := client.ContainerStart(t.Context(), id, container.StartOptions{}); err != nil {
			t.Fatal(err)
		}
		expect("MODIFIED running")
		if err := client.ContainerPause(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		expect("MODIFIED paused")
		if err := client.ContainerUnpause(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		expect("MODIFIED running")
		if err := client.ContainerStop(t.Context(), id, container.StopOptions{}); err != nil {
			t.Fatal(err)
		}
		expect("MODIFIED exited")
		k.OK(t, "get", "ctr", name) // so that Docker's last event of the stop does not show the container while it is removed
		if err := client.ContainerRemove(t.Context(), id, container.RemoveOptions{}); err != nil {
			t.Fatal(err)
		}
		expect("DELETED exited")
	})
}
