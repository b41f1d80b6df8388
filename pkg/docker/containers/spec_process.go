// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"slices"
	"strings"
	"unique"

	"github.com/containerd/platforms"
	"github.com/docker/docker/api/types/strslice"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func writeImage(s *v1alpha1.ContainerSpec, c *creation) *field.Error {
	c.config.Image = s.Image
	if s.Platform != "" {
		platform, err := platforms.Parse(s.Platform)
		if err != nil {
			return field.Invalid(specPath.Child("platform"), s.Platform, err.Error())
		}
		c.platform = &platform
	}
	return nil
}

// readImage reads what Docker does not keep from the label.
func readImage(r *reading) {
	r.spec.Image = unique.Make(r.config.Image).Value() // many containers share an image
	r.spec.ImagePullPolicy = v1alpha1.ContainerImagePullPolicy(r.fields.at("imagePullPolicy").value())
	r.spec.Platform = r.fields.at("platform").value()
	r.spec.PullSecrets = r.fields.at("pullSecrets").values()
}

func writeProcess(s *v1alpha1.ContainerSpec, c *creation) *field.Error {
	if len(s.Command) > 0 { // Docker takes an empty list for no ENTRYPOINT
		c.config.Entrypoint = s.Command
	}
	c.config.Cmd = s.Args
	for _, variable := range s.Env {
		c.config.Env = append(c.config.Env, variable.Name+"="+variable.Value)
	}
	c.config.WorkingDir, c.config.User = s.WorkingDir, s.User
	c.config.Tty, c.config.OpenStdin, c.config.StdinOnce = s.TTY, s.Stdin, s.StdinOnce
	c.config.StopSignal, c.host.Init, c.host.AutoRemove = s.StopSignal, s.Init, s.AutoRemove
	if s.StopTimeoutSeconds != nil {
		c.config.StopTimeout = new(int(*s.StopTimeoutSeconds))
	}
	return nil
}

func readProcess(r *reading) {
	r.spec.Command, r.spec.Args = r.commandLine()
	r.spec.Env = r.environment()
	r.spec.WorkingDir = pick(r, r.config.WorkingDir, r.image.WorkingDir, "workingDir")
	r.spec.User = pick(r, r.config.User, r.image.User, "user")
	r.spec.TTY = pick(r, r.config.Tty, false, "tty")
	r.spec.Stdin = pick(r, r.config.OpenStdin, false, "stdin")
	r.spec.StdinOnce = pick(r, r.config.StdinOnce, false, "stdinOnce")
	r.spec.StopSignal = pick(r, r.config.StopSignal, r.image.StopSignal, "stopSignal")
	r.spec.AutoRemove = pick(r, r.host.AutoRemove, false, "autoRemove")
	if r.host.Init != nil && r.shows(true, "init") {
		r.spec.Init = new(*r.host.Init)
	}
	if timeout := r.config.StopTimeout; timeout != nil && r.shows(true, "stopTimeoutSeconds") {
		r.spec.StopTimeoutSeconds = new(int64(*timeout))
	}
}

// noEntrypoint is how a client of Docker asks for no ENTRYPOINT in place of the image's.
var noEntrypoint = strslice.StrSlice{""}

// commandLine returns the fields command and args. Docker takes the CMD of the image only if it is given neither.
func (r *reading) commandLine() (command, args []string) {
	entrypoint, cmd := r.config.Entrypoint, r.config.Cmd
	// Without the ENTRYPOINT, an empty CMD would be that of the image.
	differs := !slices.Equal(entrypoint, r.image.Entrypoint) || len(cmd) == 0 && len(r.image.Cmd) > 0
	if r.shows(differs, "command") {
		command = slices.Clone(entrypoint)
		if len(command) == 0 {
			command = slices.Clone(noEntrypoint)
		}
	}
	if len(cmd) > 0 && r.shows(len(command) > 0 || !slices.Equal(cmd, r.image.Cmd), "args") {
		args = slices.Clone(cmd)
	}
	return command, args
}

// environment returns the variables that the container has beside those of its image.
func (r *reading) environment() (shown []v1alpha1.ContainerEnvVar) {
	values := make(map[string]string, len(r.config.Env))
	var order []string
	for _, entry := range r.config.Env {
		// Docker takes the last of several values. An entry without a value takes a variable of the image away.
		if name, value, ok := strings.Cut(entry, "="); ok && name != "" {
			if _, again := values[name]; !again && !slices.Contains(r.image.Env, entry) {
				order = append(order, name)
			}
			values[name] = value
		}
	}
	if r.isMadeHere() {
		order = nil
		for _, item := range itemsOf[v1alpha1.ContainerEnvVar](r.fields.at("env")) {
			order = append(order, item.keys.Name)
		}
	}
	for _, name := range order {
		if value, ok := values[name]; ok {
			shown = append(shown, v1alpha1.ContainerEnvVar{Name: unique.Make(name).Value(), Value: value})
		}
	}
	return shown
}

func writeNames(s *v1alpha1.ContainerSpec, c *creation) *field.Error {
	c.config.Hostname, c.config.Domainname = s.Hostname, s.Domainname
	return nil
}

func readNames(r *reading) {
	r.spec.Hostname = pick(r, r.config.Hostname, r.usualHostname(), "hostname")
	r.spec.Domainname = pick(r, r.config.Domainname, r.usualDomainname(), "domainname")
	_, others := containers.SplitLabels(r.config.Labels)
	for key, value := range others {
		inherited, isOfImage := r.image.Labels[key]
		if key != v1alpha1.FieldsLabel && r.shows(!isOfImage || inherited != value, "labels", key) {
			if r.spec.Labels == nil {
				r.spec.Labels = map[string]string{}
			}
			r.spec.Labels[key] = value
		}
	}
}

// usualHostname returns the host name of a container that was given none.
func (r *reading) usualHostname() string {
	switch mode := r.host.NetworkMode; {
	case mode.IsContainer(), r.host.UTSMode.IsHost():
		return r.config.Hostname // it cannot be given
	case mode.IsHost() && r.config.Hostname == r.usual.hostname:
		return r.usual.hostname
	}
	return r.shortID()
}

// usualDomainname returns the domain name of a container that was given none.
func (r *reading) usualDomainname() string {
	if r.host.NetworkMode.IsContainer() {
		return r.config.Domainname // it cannot be given
	}
	return ""
}

// shortID returns the first digits of the container's ID.
func (r *reading) shortID() string {
	if r.ContainerJSONBase == nil || len(r.ID) < shortIDLength {
		return ""
	}
	return r.ID[:shortIDLength]
}

const shortIDLength = 12
