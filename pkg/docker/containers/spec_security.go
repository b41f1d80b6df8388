// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

const (
	// noMaskedPaths is an option that the docker command turns into two lists of paths that are empty.
	noMaskedPaths = "systempaths=unconfined"
	// noLabel is the option that Docker adds for a container that shares namespaces with the host.
	noLabel = "label=disable"
)

func writeSecurity(s *v1alpha1.ContainerSpec, c *creation) *field.Error {
	c.host.Sysctls = maps.Clone(s.Sysctls)
	given := s.SecurityContext
	if given == nil {
		return nil
	}
	c.host.Privileged, c.host.ReadonlyRootfs, c.host.GroupAdd = given.Privileged, given.ReadOnlyRootFilesystem, given.Groups
	if given.Capabilities != nil {
		c.host.CapAdd, c.host.CapDrop = given.Capabilities.Add, given.Capabilities.Drop
	}
	for _, option := range given.SecurityOpts {
		if option == noMaskedPaths {
			c.host.MaskedPaths, c.host.ReadonlyPaths = []string{}, []string{}
		} else {
			c.host.SecurityOpt = append(c.host.SecurityOpt, option)
		}
	}
	return nil
}

func readSecurity(r *reading) {
	r.spec.Sysctls = pickMap(r, r.host.Sysctls, "sysctls")
	add := r.capabilities(r.host.CapAdd, "add")
	drop := r.capabilities(r.host.CapDrop, "drop")
	shown := v1alpha1.ContainerSecurityContext{
		Privileged:             pick(r, r.host.Privileged, false, "securityContext", "privileged"),
		ReadOnlyRootFilesystem: pick(r, r.host.ReadonlyRootfs, false, "securityContext", "readOnlyRootFilesystem"),
		Groups:                 pickList(r, r.host.GroupAdd, "securityContext", "groups"),
		SecurityOpts:           r.securityOptions(),
	}
	if add != nil || drop != nil || r.gave("securityContext", "capabilities") {
		shown.Capabilities = &v1alpha1.ContainerCapabilities{Add: add, Drop: drop}
	}
	isEmpty := !shown.Privileged && !shown.ReadOnlyRootFilesystem && shown.Groups == nil && shown.SecurityOpts == nil && shown.Capabilities == nil
	r.spec.SecurityContext = pickGroup(r, shown, isEmpty, "securityContext")
}

// capabilities returns capabilities as they were given. Docker's client sorts them and puts CAP_ before each of them.
func (r *reading) capabilities(held []string, name string) (shown []string) {
	if !r.isMadeHere() {
		for _, capability := range held {
			shown = append(shown, strings.TrimPrefix(capability, "CAP_"))
		}
		return shown
	}
	left := map[string]bool{}
	for _, capability := range held {
		left[canonicalCapability(capability)] = true
	}
	for _, given := range r.fields.at("securityContext", "capabilities", name).values() {
		if left[canonicalCapability(given)] {
			shown = append(shown, given)
		}
	}
	return shown
}

func canonicalCapability(c string) string { return strings.TrimPrefix(strings.ToUpper(c), "CAP_") }

// securityOptions returns the options without those that Docker adds at the end.
func (r *reading) securityOptions() []string {
	options := slices.Clone(r.host.SecurityOpt)
	if !r.isMadeHere() {
		sharesWithHost := r.host.Privileged || r.host.PidMode.IsHost() || r.host.IpcMode.IsHost()
		if n := len(options); sharesWithHost && n > 0 && options[n-1] == noLabel {
			options = options[:n-1]
		}
		for i, option := range options {
			options[i] = withEqualsSign(option)
		}
		isUnmasked := func(paths []string) bool { return paths != nil && len(paths) == 0 }
		if isUnmasked(r.host.MaskedPaths) && isUnmasked(r.host.ReadonlyPaths) {
			options = append(options, noMaskedPaths)
		}
		if len(options) == 0 {
			return nil
		}
		return options
	}
	var shown []string
	for _, given := range r.fields.at("securityContext", "securityOpts").keys() {
		switch {
		case given == "v:"+quote(noMaskedPaths):
			shown = append(shown, noMaskedPaths)
		case len(options) > 0:
			shown, options = append(shown, options[0]), options[1:]
		}
	}
	return shown
}

// withEqualsSign returns an option whose value Docker takes behind a colon as well, such as no-new-privileges:true, in the one form
// that the API has.
func withEqualsSign(option string) string {
	if strings.Contains(option, "=") {
		return option
	}
	return strings.Replace(option, ":", "=", 1)
}

func writeNamespaces(s *v1alpha1.ContainerSpec, c *creation) *field.Error {
	c.host.PidMode, c.host.IpcMode = container.PidMode(s.PIDMode), container.IpcMode(s.IPCMode)
	c.host.UTSMode, c.host.UsernsMode = container.UTSMode(s.UTSMode), container.UsernsMode(s.UsernsMode)
	c.host.CgroupnsMode, c.host.Runtime = container.CgroupnsMode(s.CgroupnsMode), s.Runtime
	return nil
}

func readNamespaces(r *reading) {
	if mode := string(r.host.PidMode); r.shows(mode != "", "pidMode") {
		r.spec.PIDMode = r.modeOf(mode, "pidMode")
	}
	if mode := r.host.IpcMode; r.shows(!mode.IsEmpty() && !mode.IsPrivate(), "ipcMode") {
		r.spec.IPCMode = r.modeOf(string(mode), "ipcMode")
	}
	r.spec.UTSMode = pick(r, string(r.host.UTSMode), "", "utsMode")
	r.spec.UsernsMode = pick(r, string(r.host.UsernsMode), "", "usernsMode")
	r.spec.CgroupnsMode = pick(r, string(r.host.CgroupnsMode), r.usualCgroupnsMode(), "cgroupnsMode")
	r.spec.Runtime = pick(r, r.host.Runtime, cmp.Or(r.usual.runtime, r.host.Runtime), "runtime")
}

// usualCgroupnsMode returns the mode of a container that was given none. Version 1 of cgroups has no private ones for a
// privileged container.
func (r *reading) usualCgroupnsMode() string {
	if r.usual.hasCgroupV1 && r.host.Privileged {
		return string(container.CgroupnsModeHost)
	}
	return string(cmp.Or(r.usual.cgroupnsMode, r.host.CgroupnsMode))
}

// ofContainer is how a mode begins that names a container.
const ofContainer = "container:"

func isOfContainer(mode string) bool { return strings.HasPrefix(mode, ofContainer) }

// modeOf returns a mode, and names a container as it was given: by its name or by its ID. Docker keeps the ID.
func (r *reading) modeOf(mode, name string) string {
	id, ok := strings.CutPrefix(mode, ofContainer)
	if !ok {
		return mode
	}
	given := strings.TrimPrefix(r.fields.at(name).value(), ofContainer)
	if len(given) >= shortIDLength && strings.HasPrefix(id, given) {
		return ofContainer + given
	}
	if found := r.names[id]; found != "" {
		return ofContainer + found
	}
	return mode
}

func writeLogging(s *v1alpha1.ContainerSpec, c *creation) *field.Error {
	if s.Logging != nil {
		c.host.LogConfig = container.LogConfig{Type: s.Logging.Driver, Config: maps.Clone(s.Logging.Options)}
	}
	return nil
}

// readLogging reads where the output goes. Docker adds the engine's options to those that were given for the same driver,
// and does not tell which ones these are.
func readLogging(r *reading) {
	shown := v1alpha1.ContainerLogging{
		Driver:  pick(r, r.host.LogConfig.Type, cmp.Or(r.usual.logDriver, r.host.LogConfig.Type), "logging", "driver"),
		Options: pickMap(r, r.host.LogConfig.Config, "logging", "options"),
	}
	r.spec.Logging = pickGroup(r, shown, shown.Driver == "" && shown.Options == nil, "logging")
}
