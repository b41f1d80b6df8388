// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	dockernames "github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
)

// longestNewName is the length of the longest name of a file. Docker keeps the content of a volume under its name.
const longestNewName = 255

// ValidateNewName returns the errors of the name of an object that is created with the same name in Docker. Kubernetes has
// checked that the name can be in a path.
func ValidateNewName(name string) field.ErrorList {
	path := field.NewPath("metadata", "name")
	switch {
	case name == "":
		return field.ErrorList{field.Required(path, "name or generateName is required")}
	case len(name) > longestNewName:
		return field.ErrorList{field.TooLong(path, name, longestNewName)}
	case containers.ObjectName(name) != name || !dockernames.IsPathSegment(name):
		return field.ErrorList{field.Invalid(path, name, fmt.Sprintf("cannot be a name in Docker as well: Docker's %q would show as %q", name, containers.ObjectName(name)))}
	}
	return nil
}
