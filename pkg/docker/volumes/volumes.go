// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package volumes

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/versions"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/keylocks"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

var volumeResource = v1alpha1.Resource("volumes")

// localDriver is the name of Docker's own volume driver.
const localDriver = v1alpha1.DefaultVolumeDriver

// Source is the source of the engine's volumes. A subject is one of two things: one life of a volume; or a container that
// came or went, which leads to its volumes.
type Source struct {
	source.Base
	lives   lives
	usage   *source.Usage // by containers, of the names of volumes
	applied source.Applied
	// creating has a lock for each name under which a volume is being created.
	creating keylocks.Locks
}

// New returns the source of an engine's volumes.
func New(engine source.Engine) *Source {
	return &Source{Base: source.NewBase(engine, volumeResource), usage: source.NewUsage(engine.Client, mountedVolumes)}
}

// mountedVolumes returns the names of the volumes that a container has mounted.
func mountedVolumes(user source.User) (volumes []string) {
	for _, m := range user.Mounts {
		if (m.Type == mount.TypeVolume || m.Type == mount.TypeCluster) && m.Name != "" {
			volumes = append(volumes, m.Name)
		}
	}
	return volumes
}

// invisible lists the actions that change nothing that a volume shows.
var invisible = sets.New(events.ActionMount, events.ActionUnmount)

// Hear marks the volume that an event is about. Volumes have no IDs: Docker's events name them.
func (s *Source) Hear(event source.Event) {
	if subject, ok := s.usage.Hear(event); ok {
		s.MarkDirty(subject)
		return
	}
	name := event.Actor.ID
	switch {
	case event.Type != events.VolumeEventType, invisible.Has(event.Verb()):
	case name == "":
		s.MarkAllDirty()
	default:
		for _, subject := range s.lives.heard(name, event.Action == events.ActionDestroy, event.TimeNano) {
			s.MarkDirty(subject)
		}
	}
}

// Subjects lists the subjects of all volumes.
func (s *Source) Subjects(ctx context.Context) ([]string, error) {
	found, err := s.listNew(ctx)
	subjects := make([]string, 0, len(found))
	for _, v := range found {
		subjects = append(subjects, s.lives.use(v.Name, v.Driver))
	}
	return subjects, err
}

// List returns all subjects with the objects that they show. It leaves out the objects of plugins' volumes, so that the
// store observes these volumes one by one. Docker asks the plugin only when it inspects a volume.
func (s *Source) List(ctx context.Context) (map[string]map[string]runtime.Object, error) {
	found, err := s.listNew(ctx)
	if err != nil {
		return nil, err
	}
	shown := make(map[string]map[string]runtime.Object, len(found))
	for _, v := range found {
		subject := s.lives.use(v.Name, v.Driver)
		shown[subject] = nil
		if v.Driver == localDriver {
			if shown[subject], err = s.show(ctx, subject, v, true); err != nil {
				return nil, err
			}
		}
	}
	return shown, nil
}

// listNew lists the containers and the volumes after a fence, so that the caller may use names that are new to lives.
func (s *Source) listNew(ctx context.Context) ([]*volume.Volume, error) {
	s.usage.Read(ctx)
	if err := s.Fence(ctx); err != nil {
		return nil, err
	}
	found, err := s.list(ctx)
	if err != nil {
		return nil, s.Client.ListError(volumeResource, err)
	}
	return found, nil
}

// list returns Docker's list of volumes. If several have the same name, it returns only the first one. Docker means
// that one by the name.
func (s *Source) list(ctx context.Context) ([]*volume.Volume, error) {
	var found volume.ListResponse
	err := s.Client.Read(ctx, connection.ListTimeout, func(ctx context.Context, c *connection.Connection) (err error) {
		found, err = c.Docker.VolumeList(ctx, volume.ListOptions{})
		return err
	})
	seen := sets.New[string]()
	return slices.DeleteFunc(found.Volumes, func(v *volume.Volume) bool {
		if v == nil || seen.Has(v.Name) {
			return true
		}
		seen.Insert(v.Name)
		return false
	}), err
}

// Observe looks at one volume, or finds the volumes that a container leads to.
func (s *Source) Observe(ctx context.Context, subject string) (map[string]runtime.Object, []string, error) {
	if volumes, ok, err := s.usage.Observe(ctx, subject); ok {
		return nil, s.lives.current(volumes), connection.APIError("list", v1alpha1.Resource("containers"), subject, err)
	}
	known, name, ok := s.lives.of(subject)
	if !ok {
		s.applied.Forget(subject)
		return nil, nil, nil
	}
	found, isBest, err := s.find(ctx, name, known.driver)
	if err != nil {
		return nil, nil, connection.APIError("inspect", volumeResource, containers.ObjectName(name), err)
	}
	if found == nil {
		s.applied.Forget(subject)
		s.lives.end(known, name)
		return nil, nil, nil
	}
	objects, err := s.show(ctx, subject, found, isBest)
	return objects, nil, err
}

// show returns the objects of the subject, made of Docker's answer. It returns nothing if the life of the subject has
// ended.
func (s *Source) show(ctx context.Context, subject string, found *volume.Volume, isBest bool) (map[string]runtime.Object, error) {
	c, err := s.Client.Current()
	if err != nil {
		return nil, err
	}
	object := volumeOf(found, s.Namespace, habitsOf(c))
	object.Status.InUse = s.usage.InUse(ctx, found.Name)
	if !s.lives.show(subject, object, isBest) {
		return nil, nil
	}
	s.applied.Show(subject, found.Name, object)
	return map[string]runtime.Object{source.KeyOf(object): object}, nil
}

// habits are the ways in which engines differ when they tell of volumes.
type habits struct {
	// dates is true if the engine says when a local volume was created. Docker before 23 (API 1.42) says when the volume's
	// content last changed.
	dates bool
	// labelsAnonymous is true if the engine puts a label on a volume whose name it made up.
	labelsAnonymous bool
}

func habitsOf(c *connection.Connection) habits {
	isNew := versions.GreaterThanOrEqualTo(c.NewestAPI, "1.42")
	return habits{dates: isNew || c.IsPodman(), labelsAnonymous: isNew && !c.IsPodman()}
}

// anonymousLabel is the label of a volume whose name the engine made up.
const anonymousLabel = "com.docker.volume.anonymous"

func isAnonymous(v *volume.Volume, of habits) bool {
	_, isLabelled := v.Labels[anonymousLabel]
	return isLabelled || !of.labelsAnonymous && names.IsFullID(v.Name)
}

// Lookup finds the volume whose object has that name.
func (s *Source) Lookup(ctx context.Context, key string) (string, error) {
	namespace, name, _ := strings.Cut(key, "/")
	if namespace != s.Namespace {
		return "", nil
	}
	found, err := s.named(ctx, name)
	if err == nil && found != nil && !s.lives.has(found.Name) {
		if err = s.Fence(ctx); err == nil {
			found, err = s.named(ctx, name)
		}
	}
	if err != nil {
		return "", connection.APIError("inspect", volumeResource, name, err)
	}
	if found == nil {
		return "", nil
	}
	return s.lives.use(found.Name, found.Driver), nil
}

// named returns Docker's answer about the volume whose object has that name, or nil if there is none.
func (s *Source) named(ctx context.Context, name string) (*volume.Volume, error) {
	isMade := containers.IsMadeName(name)
	switch {
	case !isMade && containers.ObjectName(name) != name:
		return nil, nil
	case !isMade && names.IsPath(name):
		return s.inspect(ctx, name)
	}
	listed, err := s.list(ctx)
	for _, v := range listed {
		if containers.ObjectName(v.Name) == name {
			return v, err
		}
	}
	return nil, err
}

// find returns Docker's answer about the volume with exactly that name, or nil if there is none. If Docker cannot
// inspect a volume that it lists, find returns the entry of the list, and isBest is false. That happens only to volumes
// of plugins and to volumes with unusual names.
func (s *Source) find(ctx context.Context, name, driver string) (found *volume.Volume, isBest bool, err error) {
	if names.IsPath(name) {
		found, err = s.inspect(ctx, name)
		isGone := err == nil && names.IsCommon(name) && (driver == "" || driver == localDriver)
		hangs := errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil // as its plugin does
		if found != nil || isGone || !hangs && !isAnswer(err) {
			return found, true, err
		}
	}
	listed, listErr := s.list(ctx)
	for _, v := range listed {
		if v.Name == name {
			return v, false, nil
		}
	}
	return nil, false, cmp.Or(err, listErr)
}

// isAnswer reports whether the engine answered. err is then nil or an error of the engine's.
func isAnswer(err error) bool {
	status := apierrors.APIStatus(nil)
	return !errors.As(err, &status) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled)
}

// inspect asks Docker about a volume. The name must pass isPath.
func (s *Source) inspect(ctx context.Context, name string) (*volume.Volume, error) {
	found, err := connection.Inspect(ctx, s.Client, "/volumes/"+name, connection.ReadWhole[volume.Volume], func(ctx context.Context, c *client.Client) (*volume.Volume, error) {
		found, err := c.VolumeInspect(ctx, name)
		return &found, err
	})
	if err != nil || found == nil || found.Name != name {
		return nil, err
	}
	return found, nil
}

// volumeOf returns the Volume for Docker's answer. The creation time is part of the identity of a local volume if the
// engine dates volumes. Plugins may change the creation time of a volume.
func volumeOf(v *volume.Volume, namespace string, of habits) *v1alpha1.Volume {
	created, labels, options := source.TimeOf(v.CreatedAt), source.LabelsOf(v.Labels), source.LabelsOf(v.Options)
	selectable, others := containers.SplitLabels(labels)
	object := &v1alpha1.Volume{
		ObjectMeta: metav1.ObjectMeta{Name: containers.ObjectName(v.Name), Namespace: namespace, Labels: selectable},
		Spec:       v1alpha1.VolumeSpec{Driver: v.Driver, Options: options, Labels: others},
		Status: v1alpha1.VolumeStatus{
			Name:       v.Name,
			Namespace:  v1alpha1.EngineNamespace,
			CreatedAt:  created,
			Driver:     v.Driver,
			Anonymous:  isAnonymous(v, of),
			Mountpoint: v.Mountpoint,
			Labels:     labels,
			Scope:      v.Scope,
			Options:    options,
		},
	}
	identity := []string{v.Name, v.Driver, textOf(options), textOf(labels)}
	if v.ClusterVolume != nil {
		identity = append(identity, v.ClusterVolume.ID)
	}
	if created != nil {
		object.CreationTimestamp = *created
		if of.dates && v.Driver == localDriver {
			identity = append(identity, created.UTC().Format("2006-01-02T15:04:05Z"))
		}
	}
	object.UID = source.UIDOf("Volume", identity...)
	return object
}

// textOf returns a text that is the same for equal labels and different for others.
func textOf(labels map[string]string) string {
	text, err := json.Marshal(labels)
	if err != nil {
		panic(err) // strings always encode
	}
	return string(text)
}
