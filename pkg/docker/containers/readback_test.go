// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	gocmp "github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/specs"
)

func specOfYAML(t *testing.T, text string) *v1alpha1.ContainerSpec {
	t.Helper()
	spec := &v1alpha1.ContainerSpec{}
	dockertest.Must(t, yaml.UnmarshalStrict([]byte(text), spec))
	return spec
}

// same fails the test unless the container shows the spec.
func (r *real) same(t *testing.T, when string, c *v1alpha1.Container, given *v1alpha1.ContainerSpec) {
	t.Helper()
	want := shown(given)
	want.State = c.Spec.State
	if diff := gocmp.Diff(textOf(t, want), textOf(t, &c.Spec)); diff != "" {
		t.Errorf("%s: the spec was given (-) and is shown (+):\n%s", when, diff)
	}
}

func TestEnvEqualToTheImagesValueIsKept(t *testing.T) {
	r := connect(t)
	spec := specOfYAML(t, "{image: "+r.richImage(t, "env:1")+", env: [{name: FROM_IMAGE, value: kept}]}")
	r.same(t, "created", r.read(t, r.make(t, spec)), spec)
}

func TestWorkingDirectoryAndUserFilledInByTheImageAreNotShown(t *testing.T) {
	r := connect(t)
	image := r.richImage(t, "filled:1")
	spec := specOfYAML(t, "{image: "+image+"}")
	r.same(t, "given nothing", r.read(t, r.make(t, spec)), spec)
	id := r.engine.Create(t, engine.UniqueName("filled"), engine.FromImage(image), engine.Command())
	r.same(t, "made by Docker", r.read(t, id), specOfYAML(t, "{image: "+image+", networkMode: none}"))
	given := specOfYAML(t, "{image: "+image+", workingDir: /of/image, user: '1000'}")
	r.same(t, "given", r.read(t, r.make(t, given)), given)
}

func TestArgsAbsentAndEmptyAreTheImagesAndCommandOfOneEmptyWordIsNoEntrypoint(t *testing.T) {
	r := connect(t)
	image := r.richImage(t, "command:1")
	for text, want := range map[string][]string{
		"args: []":                          {"/bin/sh", "-c", "sleep 1"},
		"command: []":                       {"/bin/sh", "-c", "sleep 1"},
		"args: [sleep 2]":                   {"/bin/sh", "-c", "sleep 2"},
		"command: [sleep]":                  {"sleep"},
		`command: [""]` + "\nargs: [sleep]": {"sleep"},
		"command: [sleep]\nargs: ['3']":     {"sleep", "3"},
	} {
		spec := specOfYAML(t, "image: "+image+"\n"+text)
		c := r.read(t, r.make(t, spec))
		if got := append([]string{c.Status.Path}, c.Status.Args...); !slices.Equal(got, want) {
			t.Errorf("%s runs %q, not %q", text, got, want)
		}
		r.same(t, text, c, spec)
	}
}

func TestAMovedTagIsNoDrift(t *testing.T) {
	r := connect(t)
	old := r.richImage(t, "moved:1")
	spec := specOfYAML(t, "{image: 'moved:1', env: [{name: A, value: b}]}")
	id := r.make(t, spec)
	foreign := r.engine.Create(t, engine.UniqueName("moved"), engine.FromImage(old), engine.Command())
	before := r.read(t, foreign)
	r.richImage(t, "moved:1", func(c *container.Config) { c.Env = []string{"ANOTHER=one"} })
	for when, reader := range map[string]*real{"later": r, "after a restart of the server": connect(t)} {
		c := reader.read(t, id)
		r.same(t, when, c, spec)
		if inspected := r.engine.Inspect(t, id); c.Status.Image != inspected.Image || c.Status.ImageID != inspected.Image {
			t.Errorf("%s: the image is %s, %s, not %s", when, c.Status.Image, c.Status.ImageID, inspected.Image)
		}
		r.same(t, when+", made by Docker", reader.read(t, foreign), &before.Spec)
	}
}

func TestAContainerWhoseImageIsGoneShowsAllThatIsSet(t *testing.T) {
	r := connect(t)
	r.richImage(t, "gone:1")
	spec := specOfYAML(t, "{image: 'gone:1', user: '7'}")
	made, foreign := r.make(t, spec), r.engine.Create(t, engine.UniqueName("gone"), engine.FromImage("gone:1"), engine.Command())
	_, err := r.docker.ImageRemove(t.Context(), "gone:1", image.RemoveOptions{Force: true})
	dockertest.Must(t, err)
	r.same(t, "made here", r.readAnew(t, made), spec)
	found, err := r.docker.ImageInspect(t.Context(), r.engine.Inspect(t, made).Image)
	isKept := err == nil // some engines only take the name away
	c := r.readAnew(t, foreign)
	if isKept != (c.Spec.WorkingDir == "") || isKept != (len(c.Spec.Env) == 0) {
		t.Errorf("the image is %q: %s", found.ID, textOf(t, &c.Spec))
	}
}

func TestDockerRenameChangesNoSpecAndShowsInTheSpecsThatNameTheContainer(t *testing.T) {
	r := connect(t)
	peer := engine.UniqueName("peer")
	id := r.make(t, specOfYAML(t, "{image: 'busybox:latest', ipcMode: shareable}"))
	dockertest.Must(t, r.docker.ContainerRename(t.Context(), id, peer))
	spec := specOfYAML(t, "{image: 'busybox:latest', networkMode: 'container:"+peer+"', ipcMode: 'container:"+peer+"', pidMode: 'container:"+id[:12]+"'}")
	sharing := r.make(t, spec)
	r.same(t, "created", r.read(t, sharing), spec)

	dockertest.Must(t, r.docker.ContainerRename(t.Context(), id, peer+"-2"))
	r.sink.Marked = nil
	event := source.Event{Type: events.ContainerEventType, Action: events.ActionRename}
	event.Actor.ID = id
	r.Hear(event)
	if !slices.Contains(r.sink.Marked, sharing) {
		t.Errorf("the rename of %s marks %v", id, r.sink.Marked)
	}
	spec.NetworkMode, spec.IPCMode = "container:"+peer+"-2", "container:"+peer+"-2"
	r.same(t, "renamed", r.read(t, sharing), spec)

	r.remove(t, id)
	spec.NetworkMode, spec.IPCMode = "container:"+id, "container:"+id
	r.same(t, "removed", r.read(t, sharing), spec)
}

func TestDockerUpdateFromOutsideShows(t *testing.T) {
	r := connect(t)
	spec := specOfYAML(t, "{image: 'busybox:latest', resources: {memory: 512Mi}}")
	id := r.make(t, spec)
	r.same(t, "created", r.read(t, id), spec)
	_, err := r.docker.ContainerUpdate(t.Context(), id, container.UpdateConfig{
		Resources:     container.Resources{Memory: 256 << 20, MemorySwap: 300 << 20, CPUShares: 512, NanoCPUs: 1_500_000_000, CpusetCpus: "0"},
		RestartPolicy: container.RestartPolicy{Name: "on-failure", MaximumRetryCount: 3},
	})
	dockertest.Must(t, err)
	r.same(t, "updated", r.read(t, id), specOfYAML(t, `
image: busybox:latest
resources: {memory: 256Mi, memorySwap: 300Mi, cpuShares: 512, cpu: 1500m, cpuset: "0"}
restartPolicy: {name: on-failure, maximumRetryCount: 3}
`))
}

func TestPortsDoNotVanishWhenTheContainerStops(t *testing.T) {
	r := connect(t)
	n := specs.NewNetwork(t, r.engine)
	spec := specOfYAML(t, `
image: busybox:latest
command: [sleep, "1000"]
networks: [{name: `+n.Name+`}]
ports: [{containerPort: 443, protocol: TCP, hostIP: 127.0.0.1, hostPort: 0}, {containerPort: 80, protocol: TCP}, {containerPort: 53, protocol: UDP, hostPort: 0}]
`)
	id := r.make(t, spec)
	foreign := r.engine.Create(t, engine.UniqueName("ports"), func(c *container.Config, host *container.HostConfig) {
		asked, err := creationOf(&v1alpha1.Container{Spec: *spec}, r.api)
		dockertest.Must(t, err)
		*c, *host = *asked.config, *asked.host
		delete(c.Labels, v1alpha1.FieldsLabel)
	})
	sorted := spec.DeepCopy()
	slices.Reverse(sorted.Ports)
	sorted.Ports[0], sorted.Ports[1] = spec.Ports[2], spec.Ports[1]
	check := func(when string) {
		t.Helper()
		r.same(t, when, r.read(t, id), spec)
		r.same(t, when+", made by Docker", r.read(t, foreign), sorted)
		r.same(t, when+", after a restart of the server", r.readAnew(t, id), spec)
	}
	check("created")
	now := 0
	for _, step := range []struct {
		name string
		do   func(context.Context, string) error
	}{
		{"started", func(ctx context.Context, id string) error {
			return r.docker.ContainerStart(ctx, id, container.StartOptions{})
		}},
		{"stopped", func(ctx context.Context, id string) error {
			return r.docker.ContainerStop(ctx, id, container.StopOptions{Timeout: &now})
		}},
		{"started again", func(ctx context.Context, id string) error {
			return r.docker.ContainerStart(ctx, id, container.StartOptions{})
		}},
	} {
		dockertest.Must(t, step.do(t.Context(), id))
		dockertest.Must(t, step.do(t.Context(), foreign))
		check(step.name)
	}
}

func TestTheOrderOfNetworksIsTheCreatorsAndThoseConnectedFromOutsideFollow(t *testing.T) {
	r := connect(t)
	a, b, c := specs.NewNetwork(t, r.engine), specs.NewNetwork(t, r.engine), specs.NewNetwork(t, r.engine)
	spec := specOfYAML(t, "{image: 'busybox:latest', command: [sleep, '1000'], networks: [{name: "+c.Name+", aliases: [z, a], ipv4Address: "+c.Subnet+".9, macAddress: '02:42:ac:11:00:77'}, {name: "+b.Name+"}]}")
	id := r.make(t, spec)
	r.same(t, "created", r.read(t, id), spec)
	dockertest.Must(t, r.docker.ContainerStart(t.Context(), id, container.StartOptions{}))
	r.same(t, "running", r.read(t, id), spec)
	running := r.read(t, id).Status.Networks
	if len(running) != 2 || running[1].Name != c.Name || running[1].IPAddress != c.Subnet+".9" || running[1].MACAddress == "" || running[0].NetworkID == "" {
		t.Errorf("the status has the networks %+v", running)
	}

	dockertest.Must(t, r.docker.NetworkConnect(t.Context(), a.Name, id, &network.EndpointSettings{Aliases: []string{"outside"}}))
	connected := spec.DeepCopy()
	connected.Networks = append(connected.Networks, v1alpha1.ContainerNetworkAttachment{Name: a.Name, Aliases: []string{"outside"}})
	r.same(t, "connected", r.read(t, id), connected)
	now := 0
	dockertest.Must(t, r.docker.ContainerStop(t.Context(), id, container.StopOptions{Timeout: &now}))
	r.same(t, "stopped", r.readAnew(t, id), connected)
	dockertest.Must(t, r.docker.NetworkDisconnect(t.Context(), c.Name, id, false))
	connected.Networks = connected.Networks[1:]
	r.same(t, "disconnected", r.read(t, id), connected)

	foreign := r.engine.Create(t, engine.UniqueName("order"), engine.OnNetwork(c.Name))
	dockertest.Must(t, r.docker.NetworkConnect(t.Context(), a.Name, foreign, nil))
	got := r.read(t, foreign).Spec.Networks
	if len(got) != 2 || got[0].Name != c.Name || got[1].Name != a.Name {
		t.Errorf("a container of Docker's has the networks %+v", got)
	}
}

func TestANetworkEventMarksTheContainer(t *testing.T) {
	r := connect(t)
	event := source.Event{Type: events.NetworkEventType, Action: events.ActionConnect}
	event.Actor.ID, event.Actor.Attributes.Container = dockertest.IDB, dockertest.IDA
	r.Hear(event)
	if !slices.Equal(r.sink.Marked, []string{dockertest.IDA}) {
		t.Errorf("the event marks %v", r.sink.Marked)
	}
}

func TestTheInternalLabelIsShownNowhere(t *testing.T) {
	r := connect(t)
	c := &v1alpha1.Container{Spec: *specOfYAML(t, "{image: 'busybox:latest', labels: {not valid: x}}")}
	c.Name, c.Labels = engine.UniqueName("label"), map[string]string{"tier": "front"}
	id, err := r.create(t, c)
	dockertest.Must(t, err)
	now := 0
	for _, when := range []string{"created", "started", "stopped"} {
		got := r.read(t, id)
		if want := map[string]string{"tier": "front"}; !maps.Equal(got.Labels, want) {
			t.Errorf("%s: the labels are %v", when, got.Labels)
		}
		if want := map[string]string{"tier": "front", "not valid": "x"}; !maps.Equal(got.Status.Labels, want) {
			t.Errorf("%s: all labels are %v", when, got.Status.Labels)
		}
		if text, err := yaml.Marshal(got); err != nil || strings.Contains(string(text), v1alpha1.FieldsLabel) {
			t.Errorf("%s: %v\n%s", when, err, text)
		}
		if when == "created" {
			_ = r.docker.ContainerStart(t.Context(), id, container.StartOptions{}) // its shell ends at once
		} else {
			dockertest.Must(t, r.docker.ContainerStop(t.Context(), id, container.StopOptions{Timeout: &now}))
		}
	}
}

func TestAnImageThatWasCommittedFromAContainerDoesNotHandItsFieldsOn(t *testing.T) {
	r := connect(t)
	spec := specOfYAML(t, "{image: 'busybox:latest', env: [{name: A, value: b}]}")
	id := r.make(t, spec)
	_, err := r.docker.ContainerCommit(t.Context(), id, container.CommitOptions{Reference: "committed:1"})
	dockertest.Must(t, err)
	foreign := r.engine.Create(t, engine.UniqueName("committed"), engine.FromImage("committed:1"), func(c *container.Config, _ *container.HostConfig) {
		c.Cmd, c.User = nil, "7"
	})
	r.same(t, "made by Docker", r.read(t, foreign), specOfYAML(t, "{image: 'committed:1', user: '7', networkMode: none}"))
	again := specOfYAML(t, "{image: 'committed:1', env: [{name: A, value: b}]}")
	r.same(t, "made here", r.read(t, r.make(t, again)), again)
}

func TestADaemonsDefaultLogOptionsAreNoDrift(t *testing.T) {
	e := engine.StartFor(t, engine.Args("--log-driver=json-file", "--log-opt=max-size=5m", "--default-ulimit=nofile=100:200", "--default-shm-size=100m"))
	r := connectTo(t, e)
	for _, text := range []string{
		"{image: 'busybox:latest'}",
		"{image: 'busybox:latest', logging: {driver: json-file}}",
		"{image: 'busybox:latest', logging: {options: {max-file: '3'}}}",
		"{image: 'busybox:latest', logging: {driver: local}, ulimits: [{name: core, soft: 0, hard: 0}]}",
	} {
		spec := specOfYAML(t, text)
		r.same(t, text, r.read(t, r.make(t, spec)), spec)
	}
	id := e.Create(t, engine.UniqueName("log"), engine.Command())
	if got := r.read(t, id).Spec; got.Logging == nil || got.Logging.Driver != "" || got.Logging.Options["max-size"] != "5m" || got.ShmSize.Cmp(resource.MustParse("100Mi")) != 0 {
		t.Errorf("a container of Docker's shows %s", textOf(t, &got))
	}
}
