// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregated_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/streamclient"
)

// write is a change that a user of the cluster asks for.
type write struct {
	name string
	// asks is how a webhook sees it: the operation, and the resource with its subresource.
	asks string
	// try asks for the change. said is what the user gets to read.
	try func(t *testing.T) (said string, err error)
}

// things are objects of the engine that writes would change.
type things struct{ container, image, volume, network string }

// newThings makes objects of each kind in Docker.
func newThings(t *testing.T) things {
	t.Helper()
	made := things{image: engine.UniqueName("kept") + ":v1", volume: engine.UniqueName("kept"), network: engine.UniqueName("kept")}
	made.container, _ = run(t, "kept")
	docker.Image(t, made.image)
	docker.Volume(t, made.volume, nil)
	docker.Network(t, made.network, nil)
	return made
}

// unchanged fails the test if Docker has changed one of the things.
func (th things) unchanged(t *testing.T) {
	t.Helper()
	client := docker.Client()
	found, err := client.ContainerInspect(t.Context(), th.container)
	if err != nil || found.State.Status != container.StateRunning || found.RestartCount != 0 {
		t.Errorf("container %s: %+v, %v", th.container, found.State, err)
	}
	if execs := found.ExecIDs; len(execs) != 0 {
		t.Errorf("commands %q run in container %s", execs, th.container)
	}
	if _, err := client.ImageInspect(t.Context(), th.image); err != nil {
		t.Error(err)
	}
	if _, err := client.VolumeInspect(t.Context(), th.volume); err != nil {
		t.Error(err)
	}
	if _, err := client.NetworkInspect(t.Context(), th.network, network.InspectOptions{}); err != nil {
		t.Error(err)
	}
}

// writes are changes of every kind, by every verb and subresource that changes something.
func (th things) writes(k kubectl.Kubectl) []write {
	ran := func(args ...string) func(*testing.T) (string, error) {
		return func(t *testing.T) (string, error) {
			_, stderr, err := k.Try(t, append(args, "-n", namespace)...)
			return stderr, err
		}
	}
	applied := func(manifest string, args ...string) func(*testing.T) (string, error) {
		return func(t *testing.T) (string, error) {
			_, stderr, err := k.TryWith(t, manifest, append(args, "-n", namespace, "-f", "-")...)
			return stderr, err
		}
	}
	object := func(kind, name, spec string) string {
		return fmt.Sprintf(`{"apiVersion":"containers.rancherdesktop.io/v1alpha1","kind":%q,"metadata":{"name":%q,"namespace":%q},%s}`, kind, name, namespace, spec)
	}
	collection := func(resource string) string {
		return strings.Replace(containers, "/containers/", "/"+resource, 1) + "?fieldSelector=metadata.name%3D"
	}
	sleeps := fmt.Sprintf(`"spec":{"image":%q,"command":["sleep","1d"]}`, engine.Busybox)
	all := []write{
		{"create", "CREATE containers", applied(object("Container", engine.UniqueName("refused"), sleeps), "create")},
		{"server-side apply of a new one", "CREATE containers", applied(object("Container", engine.UniqueName("refused"), sleeps), "apply", "--server-side")},
		{"patch", "UPDATE containers", ran("patch", "ctr", th.container, "--type=merge", "-p", `{"spec":{"state":"paused"}}`)},
		{"action", "UPDATE containers", ran("annotate", "ctr", th.container, "containers.rancherdesktop.io/action=restart")},
		{"server-side apply", "UPDATE containers", applied(object("Container", th.container, `"spec":{"state":"created"}`), "apply", "--server-side", "--field-manager=me")},
		{"delete", "DELETE containers", ran("delete", "ctr", th.container, "--wait=false")},
		{"delete by force", "DELETE containers", ran("delete", "ctr", th.container, "--force", "--grace-period=0")},
		{"delete collection", "DELETE containers", ran("delete", "--raw", collection("containers")+th.container)},
		{"kill", "CREATE containers/kill", applied(object("ContainerKill", th.container, `"signal":"KILL"`), "create", "--raw", containers+th.container+"/kill")},
		{"rename", "CREATE containers/rename", applied(object("ContainerRename", th.container, `"newName":"renamed"`), "create", "--raw", containers+th.container+"/rename")},
		{"pull", "CREATE imagepullrequests", applied(object("ImagePullRequest", "refused", `"spec":{"repoTag":"127.0.0.1:9/nothing:v1"}`), "create")},
		{"push", "CREATE imagepushrequests", applied(object("ImagePushRequest", "refused", fmt.Sprintf(`"spec":{"imageRef":%q}`, th.image)), "create")},
		{"tag", "CREATE images", applied(object("Image", engine.UniqueName("refused")+":v1", fmt.Sprintf(`"spec":{"from":%q}`, th.image)), "create")},
		{"moved tag", "UPDATE images", ran("patch", "img", th.image, "--type=merge", "-p", fmt.Sprintf(`{"spec":{"from":%q}}`, engine.Busybox))},
		{"delete image", "DELETE images", ran("delete", "img", th.image)},
		{"delete images", "DELETE images", ran("delete", "--raw", collection("images")+th.image)},
		{"create volume", "CREATE volumes", applied(object("Volume", engine.UniqueName("refused"), `"spec":{}`), "create")},
		{"patch volume", "UPDATE volumes", ran("patch", "vol", th.volume, "--type=merge", "-p", `{"spec":{"driver":"local"}}`)},
		{"delete volume", "DELETE volumes", ran("delete", "vol", th.volume)},
		{"create network", "CREATE networks", applied(object("Network", engine.UniqueName("refused"), `"spec":{}`), "create")},
		{"patch network", "UPDATE networks", ran("patch", "net", th.network, "--type=merge", "-p", `{"spec":{"driver":"bridge"}}`)},
		{"delete network", "DELETE networks", ran("delete", "net", th.network)},
	}
	for protocol := range streamclient.Executors {
		for subresource, query := range map[string]url.Values{
			"exec": {"command": {"true"}}, "attach": nil, "archive": {"path": {"/etc/passwd"}},
		} {
			all = append(all, write{subresource + ", " + protocol, "CONNECT containers/" + subresource, func(t *testing.T) (string, error) {
				_, err := streamclient.Run(t.Context(), config(t, cluster.Admin()), protocol, containers+th.container+"/"+subresource, query, nil)
				return fmt.Sprint(err), err
			}})
		}
	}
	all = append(all, write{"port-forward", "CONNECT containers/portforward", ran("create", "--raw", containers+th.container+"/portforward?ports=80", "-f", "/dev/null")})
	all = append(all, write{"look at a path", "CONNECT containers/archive", ran("get", "--raw", containers+th.container+"/archive?path=/&stat=true")})
	return all
}

// areRefused checks that each write is refused for the reason, and that nothing has changed.
func (th things) areRefused(t *testing.T, writes []write, reason string) {
	t.Helper()
	for _, write := range writes {
		if said, err := write.try(t); err == nil || !strings.Contains(said, reason) {
			t.Errorf("%s: %v, %s", write.name, err, said)
		}
	}
	th.unchanged(t)
}
