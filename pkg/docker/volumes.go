// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

var volumeResource = v1alpha1.Resource("volumes")

// localDriver is Docker's own driver of volumes.
const localDriver = "local"

// Volumes is the source of the engine's volumes. A subject is a volume's name.
type Volumes struct {
	engine *Engine
	sink   Sink
}

func newVolumes(e *Engine) *Volumes { return &Volumes{engine: e} }

// Subjects lists the names of all volumes.
func (s *Volumes) Subjects(ctx context.Context) ([]string, error) {
	found, err := s.list(ctx)
	names := make([]string, 0, len(found))
	for _, v := range found {
		names = append(names, v.Name)
	}
	return names, err
}

// List shows all volumes but those of plugins, which Docker asks when it inspects a volume and not when it lists it.
func (s *Volumes) List(ctx context.Context) (map[string]map[string]runtime.Object, error) {
	found, err := s.list(ctx)
	objects := make(map[string]map[string]runtime.Object, len(found))
	for _, v := range found {
		objects[v.Name] = nil
		if v.Driver == localDriver {
			object := volumeOf(v, s.engine.namespace)
			objects[v.Name] = map[string]runtime.Object{keyOf(object): object}
		}
	}
	return objects, err
}

// list returns what Docker says of all volumes whose names it can be asked about.
func (s *Volumes) list(ctx context.Context) ([]*volume.Volume, error) {
	var found volume.ListResponse
	err := s.engine.read(ctx, listTimeout, func(ctx context.Context, c *connection) (err error) {
		found, err = c.client.VolumeList(ctx, volume.ListOptions{})
		return err
	})
	if err != nil {
		return nil, apiError("list", volumeResource, "", err)
	}
	return slices.DeleteFunc(found.Volumes, func(v *volume.Volume) bool { return v == nil || ValidVolumeName(v.Name) != nil }), nil
}

// Observe inspects one volume.
func (s *Volumes) Observe(ctx context.Context, name string) (map[string]runtime.Object, []string, error) {
	found, err := s.inspect(ctx, name)
	if err != nil {
		return nil, nil, apiError("inspect", volumeResource, name, err)
	}
	if found == nil {
		return nil, nil, nil
	}
	object := volumeOf(found, s.engine.namespace)
	return map[string]runtime.Object{keyOf(object): object}, nil, nil
}

// Lookup finds the volume of that name.
func (s *Volumes) Lookup(ctx context.Context, key string) (string, error) {
	namespace, name, _ := strings.Cut(key, "/")
	if namespace != s.engine.namespace {
		return "", nil
	}
	found, err := s.inspect(ctx, name)
	if err != nil {
		return "", apiError("inspect", volumeResource, name, err)
	}
	if found == nil {
		return "", nil
	}
	return found.Name, nil
}

// Fence returns when every change that was complete before the call has been reported to the sink.
func (s *Volumes) Fence(ctx context.Context) error { return s.engine.Fence(ctx) }

// Create is not offered.
func (s *Volumes) Create(context.Context, string, runtime.Object) (string, error) {
	return "", apierrors.NewMethodNotSupported(volumeResource, "create")
}

// Update is not offered.
func (s *Volumes) Update(context.Context, string, runtime.Object, runtime.Object) error {
	return apierrors.NewMethodNotSupported(volumeResource, "update")
}

// inspect returns what Docker says of the volume, nil if there is none of exactly that name.
func (s *Volumes) inspect(ctx context.Context, name string) (*volume.Volume, error) {
	if ValidVolumeName(name) != nil {
		return nil, nil
	}
	found, err := inspect(ctx, s.engine, "/volumes/"+name, readWhole[volume.Volume], func(ctx context.Context, c *client.Client) (*volume.Volume, error) {
		found, err := c.VolumeInspect(ctx, name)
		return &found, err
	})
	if err != nil || found == nil || found.Name != name {
		return nil, err
	}
	return found, nil
}

// volumeOf returns the Volume that stands for what Docker says.
func volumeOf(v *volume.Volume, namespace string) *v1alpha1.Volume {
	created, labels := timeOf(v.CreatedAt), labelsOf(v.Labels)
	object := &v1alpha1.Volume{
		ObjectMeta: metav1.ObjectMeta{Name: v.Name, Namespace: namespace, Labels: selectable(labels)},
		Status: v1alpha1.VolumeStatus{
			Name:       v.Name,
			Namespace:  v1alpha1.EngineNamespace,
			CreatedAt:  created,
			Driver:     v.Driver,
			Mountpoint: v.Mountpoint,
			Labels:     labels,
			Scope:      v.Scope,
			Options:    labelsOf(v.Options),
		},
	}
	identity := ""
	if created != nil {
		object.CreationTimestamp = *created
		identity = created.UTC().Format("2006-01-02T15:04:05Z")
	}
	object.UID = uidOf("Volume", v.Name, identity)
	return object
}
