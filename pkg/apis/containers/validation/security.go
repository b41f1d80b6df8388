// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

var (
	ipcModes    = []string{modeNone, "private", "shareable", modeHost, modeContainer + "<name>"}
	pidModes    = []string{modeHost, modeContainer + "<name>"}
	cgroupModes = []string{modeHost, "private"}

	capabilityGrammar = regexp.MustCompile(`^(?i)(CAP_)?[A-Z][A-Z0-9_]*$`)

	// namespacedSysctls are the parameters of the kernel that a container can have for itself. Those that end with '.' are
	// prefixes.
	namespacedSysctls = []string{
		"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni",
		"kernel.shm_rmid_forced", "net.", "fs.mqueue.",
	}
)

func validateSecurity(spec *v1alpha1.ContainerSpec) field.ErrorList {
	security, path := spec.SecurityContext, specPath.Child("securityContext")
	if security == nil {
		return nil
	}
	var errs field.ErrorList
	if capabilities := security.Capabilities; capabilities != nil {
		path := path.Child("capabilities")
		errs = append(errs, validateCapabilities(path.Child("add"), capabilities.Add)...)
		errs = append(errs, validateCapabilities(path.Child("drop"), capabilities.Drop)...)
	}
	errs = append(errs, words(path.Child("groups"), security.Groups, "the name or the number of a group")...)
	for i, option := range security.SecurityOpts {
		if reason := securityOptReason(option); reason != "" {
			errs = append(errs, field.Invalid(path.Child("securityOpts").Index(i), option, reason))
		}
	}
	return errs
}

func validateCapabilities(path *field.Path, names []string) field.ErrorList {
	var errs field.ErrorList
	for i, name := range names {
		if !capabilityGrammar.MatchString(name) {
			errs = append(errs, field.Invalid(path.Index(i), name, "must be a capability of Linux, such as NET_ADMIN, or ALL"))
		}
	}
	return errs
}

// securityOptReason says what is wrong with a security option, or nothing. The docker command reads files of profiles and
// rewrites some options, which a server cannot do.
func securityOptReason(option string) string {
	const known = "must be no-new-privileges, label=…, apparmor=…, seccomp=…, systempaths=unconfined or writable-cgroups=…"
	key, value, hasValue := strings.Cut(option, "=")
	switch key {
	case "no-new-privileges":
		if hasValue && value != "true" && value != "false" {
			return "must be no-new-privileges, or no-new-privileges=false"
		}
		return ""
	case "writable-cgroups":
		if value != "true" && value != "false" {
			return "must be writable-cgroups=true or writable-cgroups=false"
		}
		return ""
	case "systempaths":
		if value != "unconfined" {
			return "must be systempaths=unconfined"
		}
		return ""
	case "label", "apparmor":
		if value == "" {
			return known
		}
		return ""
	case "seccomp":
		if value != "unconfined" && value != "builtin" && !json.Valid([]byte(value)) {
			return "must be seccomp=unconfined, seccomp=builtin, or seccomp= and the profile itself in JSON: the server reads no files"
		}
		return ""
	}
	return known
}

// validateNamespaces returns the errors of the namespaces of Linux that the container shares, and of their parameters.
func validateNamespaces(spec *v1alpha1.ContainerSpec) field.ErrorList {
	errs := mode(specPath.Child("pidMode"), spec.PIDMode, pidModes)
	errs = append(errs, mode(specPath.Child("ipcMode"), spec.IPCMode, ipcModes)...)
	errs = append(errs, mode(specPath.Child("utsMode"), spec.UTSMode, []string{modeHost})...)
	errs = append(errs, mode(specPath.Child("usernsMode"), spec.UsernsMode, []string{modeHost})...)
	errs = append(errs, mode(specPath.Child("cgroupnsMode"), spec.CgroupnsMode, cgroupModes)...)
	errs = append(errs, driverName(specPath.Child("runtime"), spec.Runtime)...)
	for _, name := range slices.Sorted(maps.Keys(spec.Sysctls)) {
		path := specPath.Child("sysctls").Key(name)
		if !isNamespaced(name) {
			errs = append(errs, field.Invalid(path, name, fmt.Sprintf("must be a parameter that a container can have for itself: one of %s, or one that begins with net. or fs.mqueue.", strings.Join(namespacedSysctls[:len(namespacedSysctls)-2], ", "))))
		}
		errs = append(errs, containers.ValidateText(path, spec.Sysctls[name])...)
	}
	return errs
}

// mode returns the errors of a mode that may name another container.
func mode(path *field.Path, value string, supported []string) field.ErrorList {
	isOther := strings.HasPrefix(value, modeContainer)
	switch {
	case value == "":
		return nil
	case isOther && slices.Contains(supported, modeContainer+"<name>"):
		return containerMode(path, value)
	}
	return oneOf(path, value, supported)
}

func isNamespaced(sysctl string) bool {
	return slices.ContainsFunc(namespacedSysctls, func(known string) bool {
		return sysctl == known || strings.HasSuffix(known, ".") && strings.HasPrefix(sysctl, known) && !strings.ContainsAny(sysctl, " =\n\x00")
	})
}

func validateLogging(spec *v1alpha1.ContainerSpec) field.ErrorList {
	logging, path := spec.Logging, specPath.Child("logging")
	if logging == nil {
		return nil
	}
	errs := driverName(path.Child("driver"), logging.Driver)
	errs = append(errs, containers.ValidateOptions(path.Child("options"), logging.Options)...)
	if logging.Driver == modeNone && len(logging.Options) > 0 {
		errs = append(errs, field.Forbidden(path.Child("options"), "cannot be combined with the driver none"))
	}
	return errs
}
