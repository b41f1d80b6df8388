// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package clients

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// newContainer returns a container with a random spec. Some of them run.
func (c *Client) newContainer(w *Workshop, name string) creation {
	wanted := &v1alpha1.Container{ObjectMeta: c.newMeta(name)}
	fields := w.World.Fields()
	switch c.Random.IntN(4) {
	case 0:
		wanted.Spec = *w.World.All(c.Random)
	case 1:
		wanted.Spec = v1alpha1.ContainerSpec{State: v1alpha1.ContainerStateRunning, Image: w.World.Image, Command: slices.Clone(engine.Wait),
			Env: []v1alpha1.ContainerEnvVar{{Name: "NAME", Value: name}}, WorkingDir: "/tmp"}
	default:
		c.Random.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
		wanted.Spec = *w.World.Make(c.Random, fields[:1+c.Random.IntN(6)]...)
	}
	wanted.Spec.AutoRemove = false // an engine that starts removes such a container
	specOf := func(c *v1alpha1.Container) any {
		spec := c.Spec
		if spec.RestartPolicy == nil { // what can be changed later is always shown
			spec.RestartPolicy = &v1alpha1.ContainerRestartPolicy{Name: v1alpha1.ContainerRestartNo}
		}
		return spec
	}
	return creationOf("container", c.API.Containers(c.Namespace), wanted, specOf, func(ctx context.Context) ([]string, error) {
		inspected, err := w.Docker.ContainerInspect(ctx, name)
		if err != nil {
			return nil, err
		}
		return notInDocker(wanted, inspected), nil
	}, func(ctx context.Context) error {
		return w.Docker.ContainerRemove(ctx, name, container.RemoveOptions{Force: true, RemoveVolumes: true})
	})
}

func (c *Client) newVolume(w *Workshop, name string) creation {
	wanted := &v1alpha1.Volume{ObjectMeta: c.newMeta(name), Spec: v1alpha1.VolumeSpec{Driver: v1alpha1.DefaultVolumeDriver,
		Options: map[string]string{"type": "tmpfs", "device": "tmpfs", "o": fmt.Sprintf("size=%dk", 64+c.Random.IntN(64))}, Labels: map[string]string{"not valid": name}}}
	return creationOf("volume", c.API.Volumes(c.Namespace), wanted, func(v *v1alpha1.Volume) any { return v.Spec }, func(ctx context.Context) ([]string, error) {
		inspected, err := w.Docker.VolumeInspect(ctx, name)
		return compared(wanted.Spec.Options, inspected.Options, "its options"), err
	}, func(ctx context.Context) error { return w.Docker.VolumeRemove(ctx, name, true) })
}

func (c *Client) newNetwork(w *Workshop, name string) creation {
	// The subnets of two networks must differ. Those of the world's networks begin in another way.
	subnet := fmt.Sprintf("10.%d.%d", 100+c.Random.IntN(50), c.Random.IntN(256))
	wanted := &v1alpha1.Network{ObjectMeta: c.newMeta(name), Spec: v1alpha1.NetworkSpec{
		Driver: v1alpha1.DefaultNetworkDriver, Internal: c.Random.IntN(2) == 0, EnableIPv6: new(false), Labels: map[string]string{"not valid": name},
		Options: map[string]string{"com.docker.network.driver.mtu": "1400"},
		IPAM: v1alpha1.NetworkIPAM{Driver: v1alpha1.DefaultIPAMDriver,
			Config: []v1alpha1.NetworkIPAMConfig{{Subnet: subnet + ".0/24", IPRange: subnet + ".128/25", Gateway: subnet + ".1"}}},
	}}
	return creationOf("network", c.API.Networks(c.Namespace), wanted, func(n *v1alpha1.Network) any { return n.Spec }, func(ctx context.Context) ([]string, error) {
		inspected, err := w.Docker.NetworkInspect(ctx, name, network.InspectOptions{})
		return append(compared(wanted.Spec.Internal, inspected.Internal, "internal"), compared(wanted.Spec.Options, inspected.Options, "its options")...), err
	}, func(ctx context.Context) error { return w.Docker.NetworkRemove(ctx, name) })
}

// creatable is the client of a kind.
type creatable[T metav1.Object] interface {
	Create(context.Context, T, metav1.CreateOptions) (T, error)
	Get(context.Context, string, metav1.GetOptions) (T, error)
}

// creationOf returns the creation of an object. specOf returns the spec of such an object. inspect and remove are as in creation.
func creationOf[T metav1.Object](kind string, of creatable[T], wanted T, specOf func(T) any, inspect func(context.Context) ([]string, error),
	remove func(context.Context) error) creation {
	return creation{
		kind: kind, name: wanted.GetName(),
		create: func(ctx context.Context) (metav1.Object, error) {
			return of.Create(ctx, wanted, metav1.CreateOptions{})
		},
		get: func(ctx context.Context) (metav1.Object, error) {
			return of.Get(ctx, wanted.GetName(), metav1.GetOptions{})
		},
		differences: func(shown metav1.Object) []string {
			return differences(wanted, shown, specOf(wanted), specOf(shown.(T)))
		},
		inspect: inspect,
		remove:  remove,
	}
}

func (c *Client) newMeta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Labels: map[string]string{"team": []string{"a", "b"}[c.Random.IntN(2)], "made": "here"}}
}

// differences returns the labels and the fields of a spec that are shown in another way than they were asked for. The state is left
// out, because faults end containers.
func differences(wanted, shown metav1.Object, wantedSpec, shownSpec any) []string {
	found := compared(wanted.GetLabels(), shown.GetLabels(), "metadata.labels")
	before, after := fieldsOf(wantedSpec), fieldsOf(shownSpec)
	all := maps.Clone(before)
	maps.Copy(all, after)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if name != "state" {
			found = append(found, compared(before[name], after[name], "spec."+name)...)
		}
	}
	return found
}

// fieldsOf returns the fields of a spec as JSON has them.
func fieldsOf(spec any) (fields map[string]any) {
	text, err := json.Marshal(spec)
	if err == nil {
		err = json.Unmarshal(text, &fields)
	}
	if err != nil {
		return map[string]any{"": err.Error()}
	}
	return fields
}

// compared returns a text if two values differ.
func compared(wanted, shown any, what string) []string {
	if reflect.DeepEqual(wanted, shown) {
		return nil
	}
	return []string{fmt.Sprintf("%s: asked for %+v, found %+v", what, wanted, shown)}
}

// notInDocker returns what Docker has in another way than it was asked for. It looks at what Docker keeps as it is given.
func notInDocker(wanted *v1alpha1.Container, found container.InspectResponse) (wrong []string) {
	spec := &wanted.Spec
	for _, variable := range spec.Env {
		if !slices.Contains(found.Config.Env, variable.Name+"="+variable.Value) {
			wrong = append(wrong, "env "+variable.Name)
		}
	}
	for key, value := range wanted.Labels {
		wrong = append(wrong, compared(value, found.Config.Labels[key], "label "+key)...)
	}
	for key, value := range spec.Labels {
		wrong = append(wrong, compared(value, found.Config.Labels[key], "label "+key)...)
	}
	for what, pair := range map[string][2]string{
		"image": {spec.Image, found.Config.Image}, "user": {spec.User, found.Config.User}, "workingDir": {spec.WorkingDir, found.Config.WorkingDir},
		"hostname": {spec.Hostname, found.Config.Hostname}, "command": {strings.Join(spec.Command, "\n"), strings.Join(found.Config.Entrypoint, "\n")},
		"args": {strings.Join(spec.Args, "\n"), strings.Join(found.Config.Cmd, "\n")}, "stopSignal": {spec.StopSignal, found.Config.StopSignal},
	} {
		if pair[0] != "" {
			wrong = append(wrong, compared(pair[0], pair[1], what)...)
		}
	}
	wrong = append(wrong, compared(spec.TTY, found.Config.Tty, "tty")...)
	if r := spec.Resources; r != nil && r.Memory != nil {
		wrong = append(wrong, compared(r.Memory.Value(), found.HostConfig.Memory, "memory")...)
	}
	if p := spec.RestartPolicy; p != nil {
		wrong = append(wrong, compared(string(p.Name), string(found.HostConfig.RestartPolicy.Name), "restartPolicy")...)
	}
	if s := spec.SecurityContext; s != nil {
		wrong = append(wrong, compared(s.Privileged, found.HostConfig.Privileged, "privileged")...)
		wrong = append(wrong, compared(s.ReadOnlyRootFilesystem, found.HostConfig.ReadonlyRootfs, "readOnlyRootFilesystem")...)
	}
	for _, attached := range spec.Networks {
		if found.NetworkSettings.Networks[attached.Name] == nil {
			wrong = append(wrong, "network "+attached.Name)
		}
	}
	return wrong
}
