// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package robustness

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/checkers"
)

// truth returns what an engine holds. It inspects each object and does not use the server's conversion.
func truth(ctx context.Context, docker *client.Client) (map[string]checkers.Facts, error) {
	containers, err := containersOf(ctx, docker)
	if err != nil {
		return nil, err
	}
	used, err := usedThings(ctx, docker)
	if err != nil {
		return nil, err
	}
	images, err := imagesOf(ctx, docker, used)
	if err != nil {
		return nil, err
	}
	volumes, err := volumesOf(ctx, docker, used)
	if err != nil {
		return nil, err
	}
	networks, err := networksOf(ctx, docker)
	return map[string]checkers.Facts{"containers": containers, "images": images, "volumes": volumes, "networks": networks}, err
}

func containersOf(ctx context.Context, docker *client.Client) (checkers.Facts, error) {
	listed, err := docker.ContainerList(ctx, container.ListOptions{All: true})
	if err != nil {
		return nil, err
	}
	facts := checkers.Facts{}
	for _, summary := range listed {
		c, err := docker.ContainerInspect(ctx, summary.ID)
		if cerrdefs.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		name := strings.TrimPrefix(c.Name, "/")
		facts[name] = map[string]string{
			"id": c.ID, "name": name, "path": c.Path, "args": strings.Join(c.Args, " "), "image": c.Config.Image, "image ID": c.Image, "labels": labelsOf(c.Config.Labels),
			"status": c.State.Status, "pid": strconv.Itoa(c.State.Pid), "exit code": strconv.Itoa(c.State.ExitCode), "error": c.State.Error,
			"restarts": strconv.Itoa(c.RestartCount), "created": second(c.Created), "started": second(c.State.StartedAt), "finished": second(c.State.FinishedAt),
			"OOM killed": strconv.FormatBool(c.State.OOMKilled), "ports": strconv.Itoa(len(c.Config.ExposedPorts)),
		}
	}
	return facts, nil
}

// usedThings returns the IDs of the images and the names of the volumes that containers have.
func usedThings(ctx context.Context, docker *client.Client) (sets.Set[string], error) {
	listed, err := docker.ContainerList(ctx, container.ListOptions{All: true})
	used := sets.New[string]()
	for _, c := range listed {
		used.Insert(c.ImageID)
		for _, m := range c.Mounts {
			used.Insert(m.Name)
		}
	}
	return used, err
}

func imagesOf(ctx context.Context, docker *client.Client, used sets.Set[string]) (checkers.Facts, error) {
	listed, err := docker.ImageList(ctx, image.ListOptions{})
	if err != nil {
		return nil, err
	}
	facts := checkers.Facts{}
	for _, summary := range listed {
		i, err := docker.ImageInspect(ctx, summary.ID)
		if cerrdefs.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		labels := ""
		if i.Config != nil {
			labels = labelsOf(i.Config.Labels)
		}
		names := i.RepoTags
		if len(names) == 0 {
			names = []string{i.ID}
		}
		for _, name := range names {
			facts[strings.ReplaceAll(name, "/", "~")] = map[string]string{
				"id": i.ID, "created": second(i.Created), "platform": i.Os + "/" + i.Architecture, "size": strconv.FormatInt(i.Size, 10), "labels": labels,
				"tagged": strconv.FormatBool(len(i.RepoTags) > 0), "in use": strconv.FormatBool(used.Has(i.ID)),
			}
		}
	}
	return facts, nil
}

func volumesOf(ctx context.Context, docker *client.Client, used sets.Set[string]) (checkers.Facts, error) {
	listed, err := docker.VolumeList(ctx, volume.ListOptions{})
	if err != nil {
		return nil, err
	}
	facts := checkers.Facts{}
	for _, each := range listed.Volumes {
		// If the disk was full when a volume was made, Docker lists it with labels that an inspection no longer shows.
		v, err := docker.VolumeInspect(ctx, each.Name)
		if cerrdefs.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		facts[v.Name] = map[string]string{
			"name": v.Name, "driver": v.Driver, "mountpoint": v.Mountpoint, "scope": v.Scope, "created": second(v.CreatedAt), "labels": labelsOf(v.Labels),
			"options": labelsOf(v.Options), "in use": strconv.FormatBool(used.Has(v.Name)),
		}
	}
	return facts, nil
}

func networksOf(ctx context.Context, docker *client.Client) (checkers.Facts, error) {
	listed, err := docker.NetworkList(ctx, network.ListOptions{})
	if err != nil {
		return nil, err
	}
	facts := checkers.Facts{}
	for _, summary := range listed {
		n, err := docker.NetworkInspect(ctx, summary.ID, network.InspectOptions{})
		if cerrdefs.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		subnets, connected := "", map[string]string{}
		for _, config := range n.IPAM.Config {
			subnets += config.Subnet + " " + config.Gateway + " "
		}
		for id, c := range n.Containers {
			connected[id] = c.Name + " " + c.MacAddress + " " + c.IPv4Address
		}
		facts[n.Name] = map[string]string{
			"id": n.ID, "driver": n.Driver, "scope": n.Scope, "created": second(n.Created.Format(time.RFC3339Nano)), "labels": labelsOf(n.Labels),
			"options": labelsOf(n.Options), "internal": strconv.FormatBool(n.Internal), "subnets": subnets, "connected": labelsOf(connected),
		}
	}
	return facts, nil
}

// facts returns the fields of the clients' objects, in the same form as truth.
func facts(objects []runtime.Object) checkers.Facts {
	all := checkers.Facts{}
	for _, object := range objects {
		switch o := object.(type) {
		case *v1alpha1.Container:
			s := o.Status
			all[o.Name] = map[string]string{
				"id": s.ID, "name": s.Name, "path": s.Path, "args": strings.Join(s.Args, " "), "image": o.Spec.Image, "image ID": s.Image, "labels": labelsOf(s.Labels),
				"status": string(s.Status), "pid": strconv.FormatInt(s.PID, 10), "exit code": strconv.Itoa(int(s.ExitCode)), "error": s.Error,
				"restarts": strconv.Itoa(int(s.RestartCount)), "created": at(s.CreatedAt), "started": at(s.StartedAt), "finished": at(s.FinishedAt),
				"OOM killed": isTrue(s.Conditions, v1alpha1.ContainerOOMKilled), "ports": strconv.Itoa(len(s.Ports)),
			}
		case *v1alpha1.Image:
			s := o.Status
			all[o.Name] = map[string]string{
				"id": s.ID, "created": at(s.CreatedAt), "platform": s.OS + "/" + s.Architecture, "size": strconv.FormatInt(s.Size, 10), "labels": labelsOf(s.Labels),
				"tagged": isTrue(s.Conditions, v1alpha1.ImageTagged), "in use": known(s.InUse),
			}
		case *v1alpha1.Volume:
			s := o.Status
			all[o.Name] = map[string]string{
				"name": s.Name, "driver": s.Driver, "mountpoint": s.Mountpoint, "scope": s.Scope, "created": at(s.CreatedAt), "labels": labelsOf(s.Labels),
				"options": labelsOf(s.Options), "in use": known(s.InUse),
			}
		case *v1alpha1.Network:
			s := o.Status
			subnets, connected := "", map[string]string{}
			for _, config := range o.Spec.IPAM.Config {
				subnets += config.Subnet + " " + config.Gateway + " "
			}
			for _, c := range s.Containers {
				connected[c.ID] = c.Name + " " + c.MacAddress + " " + c.Ipv4Address
			}
			all[o.Name] = map[string]string{
				"id": s.ID, "driver": s.Driver, "scope": s.Scope, "created": at(s.CreatedAt), "labels": labelsOf(s.Labels),
				"options": labelsOf(o.Spec.Options), "internal": strconv.FormatBool(o.Spec.Internal), "subnets": subnets, "connected": labelsOf(connected),
			}
		}
	}
	return all
}

func labelsOf(labels map[string]string) string {
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, fmt.Sprintf("%s=%s", key, labels[key]))
	}
	return strings.Join(pairs, ",")
}

// second returns a time of Docker in whole seconds, or "" for the zero time.
func second(s string) string {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Year() <= 1 {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func at(t *metav1.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func known(value *bool) string {
	if value == nil {
		return "not known"
	}
	return strconv.FormatBool(*value)
}

func isTrue(conditions []metav1.Condition, kind string) string {
	for _, c := range conditions {
		if c.Type == kind {
			return strconv.FormatBool(c.Status == metav1.ConditionTrue)
		}
	}
	return "not there"
}
