// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package runflags reads the flags of docker run and docker update into the fields of a Container. It takes the same texts as
// docker, mostly by docker's own parsers, and refuses with docker's words what docker refuses before it asks the engine.
package runflags

import (
	"path"

	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// Run are the flags of docker run that say how a container is made.
type Run struct {
	name   string
	groups []group
}

// group are flags that belong together.
type group interface {
	// add adds the flags to a set.
	add(*pflag.FlagSet)
	// apply puts what the flags said into a container. A field whose flag was not given stays as it is.
	apply(*v1alpha1.Container) error
}

// NewRun adds the flags of docker run to a set.
func NewRun(flags *pflag.FlagSet) *Run {
	r := &Run{groups: []group{newImage(), newProcess(), newMetadata(), newPorts(), newNetwork(), newStorage(), newResources(), newDevices(), newRestart(), newHealth(), newSecurity(), newLogging()}}
	flags.StringVar(&r.name, "name", "", "Assign a name to the container")
	for _, g := range r.groups {
		g.add(flags)
	}
	addUnsupported(flags)
	return r
}

// Container returns the container that the flags describe. Its name is empty if none was given.
func (r *Run) Container(image string, args []string) (*v1alpha1.Container, error) {
	c := &v1alpha1.Container{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "Container"},
		ObjectMeta: metav1.ObjectMeta{Name: r.name},
		Spec:       v1alpha1.ContainerSpec{Image: image, Args: args},
	}
	for _, g := range r.groups {
		if err := g.apply(c); err != nil {
			return nil, err
		}
	}
	return c, checkTogether(&c.Spec)
}

// clean returns an absolute path in its shortest form, which is how Docker keeps it.
func clean(given string) string {
	if path.IsAbs(given) {
		return path.Clean(given)
	}
	return given
}
