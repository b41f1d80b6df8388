// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin_test

import (
	"bytes"
	"strings"
	"testing"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/cli/cli/command/formatter"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

func TestVolumeLsPrintsWhatDockerPrints(t *testing.T) {
	name := engine.UniqueName("My_Vol")
	docker.Volume(t, name, map[string]string{"tier": "back", "Not A Label": "x"})
	docker.Volume(t, engine.UniqueName("other"), nil)
	for label, test := range map[string]struct {
		arguments []string
		format    string
		quiet     bool
		chosen    filters.Args
	}{
		"all":        {nil, "table", false, filters.Args{}},
		"quiet":      {[]string{"-q"}, "table", true, filters.Args{}},
		"named":      {[]string{"-f", "name=" + name}, "table", false, filters.NewArgs(filters.Arg("name", name))},
		"labelled":   {[]string{"-f", "label=Not A Label=x"}, "table", false, filters.NewArgs(filters.Arg("label", "Not A Label=x"))},
		"of others":  {[]string{"-f", "driver=other"}, "table", false, filters.NewArgs(filters.Arg("driver", "other"))},
		"a template": {[]string{"--format", "{{.Name}} {{.Scope}} {{.Mountpoint}}"}, "{{.Name}} {{.Scope}} {{.Mountpoint}}", false, filters.Args{}},
	} {
		listed, err := docker.Client().VolumeList(t.Context(), volume.ListOptions{Filters: test.chosen})
		if err != nil {
			t.Fatal(err)
		}
		var printed bytes.Buffer
		if err := formatter.VolumeWrite(formatter.Context{Output: &printed, Format: formatter.NewVolumeFormat(test.format, test.quiet)}, listed.Volumes); err != nil {
			t.Fatal(err)
		}
		if got, want := sorted(ok(t, append([]string{"volume", "ls"}, test.arguments...)...)), sorted(printed.String()); got != want {
			t.Errorf("%s:\n%s\nwant:\n%s", label, got, want)
		}
	}
}

func TestVolumeRmRemovesOnlyVolumesThatNoContainerUses(t *testing.T) {
	free, used := engine.UniqueName("Free_Vol"), engine.UniqueName("used")
	docker.Volume(t, free, nil)
	docker.Volume(t, used, nil)
	user := engine.UniqueName("user")
	docker.Create(t, user, func(_ *container.Config, host *container.HostConfig) { host.Binds = []string{used + ":/data"} })

	r := run(t, "volume", "rm", free, used, "absent")
	if r.code != 1 || r.stdout != free+"\n" || strings.Count(r.stderr, "\n") != 2 {
		t.Errorf("%+v", r)
	}
	kubectl.Contains(t, r.stderr, "cannot remove "+used+": ", "in use", user, "no such volume: absent\n")
	if _, err := docker.Client().VolumeInspect(t.Context(), free); !cerrdefs.IsNotFound(err) {
		t.Errorf("the volume is still there: %v", err)
	}
	if _, err := docker.Client().VolumeInspect(t.Context(), used); err != nil {
		t.Error(err)
	}
	// As docker, it takes a volume that is not there for removed.
	if r := run(t, "volume", "rm", "-f", free, "absent"); r != (result{stdout: free + "\nabsent\n"}) {
		t.Errorf("%+v", r)
	}
	fails(t, []string{"cannot remove " + used, "in use"}, "volume", "rm", "-f", used)
}

func TestAVolumeIsRemovedByItsNameInDocker(t *testing.T) {
	docker.VolumePlugin(t, "slashes")
	name := engine.UniqueName("team") + "/share"
	if _, err := docker.Client().VolumeCreate(t.Context(), volume.CreateOptions{Name: name, Driver: "slashes"}); err != nil {
		t.Fatal(err)
	}
	checkCompletion(t, kubectl.Any(t, server.Kubeconfig), "volume rm", name[:8], name)
	if got := ok(t, "volume", "rm", name); got != name+"\n" {
		t.Errorf("%q", got)
	}
	if got := ok(t, "volume", "ls", "-q", "-f", "name="+name); got != "" {
		t.Errorf("%q is still there", got)
	}
}

func TestNetworkLsListsWhatDockerLists(t *testing.T) {
	name := engine.UniqueName("back")
	id := docker.Network(t, name, map[string]string{"tier": "back"})
	listed, err := docker.Client().NetworkList(t.Context(), network.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"NETWORK ID  NAME  DRIVER  SCOPE"}
	for _, n := range listed {
		want = append(want, strings.Join([]string{n.ID[:12], n.Name, n.Driver, n.Scope}, "  "))
	}
	if got, want := sorted(ok(t, "network", "ls")), sorted(strings.Join(want, "\n")); got != want {
		t.Errorf("%s\nwant:\n%s", got, want)
	}
	for _, filter := range []string{"name=" + name, "label=tier=back", "id=" + id[:20]} {
		if got := ok(t, "network", "ls", "-q", "--no-trunc", "-f", filter, "-f", "driver=bridge"); got != id+"\n" {
			t.Errorf("%s: %q", filter, got)
		}
	}
}
