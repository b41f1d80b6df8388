// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"fmt"
	"maps"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/versions"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// creation is what Docker is asked for to make a container.
type creation struct {
	config     *container.Config
	host       *container.HostConfig
	networking *network.NetworkingConfig
	platform   *ocispec.Platform
	// later are the networks to connect the container to after it was made, because the engine takes only one before.
	later []networkStep

	apiVersion string
}

// group is a group of fields of the spec, in both directions.
type group struct {
	// write asks Docker for what the spec says.
	write func(*v1alpha1.ContainerSpec, *creation) *field.Error
	// read makes the fields of the spec of what Docker says.
	read func(*reading)
}

var groups = []group{
	{writeImage, readImage},
	{writeProcess, readProcess},
	{writeNames, readNames},
	{writePorts, readPorts},
	{writeNetworks, readNetworks},
	{writeMounts, readMounts},
	{writeResources, readResources},
	{writeDevices, readDevices},
	{writeRestartPolicy, readRestartPolicy},
	{writeHealthCheck, readHealthCheck},
	{writeSecurity, readSecurity},
	{writeNamespaces, readNamespaces},
	{writeLogging, readLogging},
}

// creationOf returns what an engine with that version of the API is asked for to make the container. Among the labels is
// FieldsLabel with the fields that the spec gives. So the spec must not have its defaults yet. An error is a *field.Error.
func creationOf(c *v1alpha1.Container, apiVersion string) (*creation, error) {
	fields, err := fieldsOf(&c.Spec)
	if err != nil {
		return nil, fmt.Errorf("writing down the fields of the container %q: %w", c.Name, err)
	}
	made := &creation{config: &container.Config{}, host: &container.HostConfig{}, apiVersion: apiVersion}
	for _, g := range groups {
		if err := g.write(&c.Spec, made); err != nil {
			return nil, err
		}
	}
	made.config.Labels = map[string]string{}
	maps.Copy(made.config.Labels, c.Labels)
	maps.Copy(made.config.Labels, c.Spec.Labels)
	made.config.Labels[v1alpha1.FieldsLabel] = fields.String()
	return made, nil
}

// has reports whether the engine has that version of the API.
func (c *creation) has(apiVersion string) bool {
	return versions.GreaterThanOrEqualTo(c.apiVersion, apiVersion)
}

// tooOld returns the error for a field that the engine would ignore.
func (c *creation) tooOld(path *field.Path, apiVersion string) *field.Error {
	return field.Forbidden(path, fmt.Sprintf("needs Docker API %s, and the engine has %s", apiVersion, c.apiVersion))
}

var specPath = field.NewPath("spec")
