// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package runflags

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/docker/cli/opts"
	"github.com/docker/docker/api/types/container"
	"github.com/spf13/pflag"
	apiequality "k8s.io/apimachinery/pkg/api/equality"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// security says what the processes of a container may do.
type security struct {
	privileged, readOnly                  bool
	capAdd, capDrop, groups, securityOpts opts.ListOpts
	sysctls                               *opts.MapOpts
	pid, ipc, uts, userns, cgroupns       string
	runtime                               string
}

func newSecurity() *security {
	return &security{
		capAdd: opts.NewListOpts(nil), capDrop: opts.NewListOpts(nil), groups: opts.NewListOpts(nil), securityOpts: opts.NewListOpts(nil),
		sysctls: opts.NewMapOpts(nil, opts.ValidateSysctl),
	}
}

func (s *security) add(flags *pflag.FlagSet) {
	flags.BoolVar(&s.privileged, "privileged", false, "Give extended privileges to this container")
	flags.BoolVar(&s.readOnly, "read-only", false, "Mount the container's root filesystem as read only")
	flags.Var(&s.capAdd, "cap-add", "Add Linux capabilities")
	flags.Var(&s.capDrop, "cap-drop", "Drop Linux capabilities")
	flags.Var(&s.groups, "group-add", "Add additional groups to join")
	flags.Var(&s.securityOpts, "security-opt", "Security Options")
	flags.Var(s.sysctls, "sysctl", "Sysctl options")
	flags.StringVar(&s.pid, "pid", "", "PID namespace to use")
	flags.StringVar(&s.ipc, "ipc", "", "IPC mode to use")
	flags.StringVar(&s.uts, "uts", "", "UTS namespace to use")
	flags.StringVar(&s.userns, "userns", "", "User namespace to use")
	flags.StringVar(&s.cgroupns, "cgroupns", "", "Cgroup namespace to use (host|private)")
	flags.StringVar(&s.runtime, "runtime", "", "Runtime to use for this container")
}

func (s *security) apply(c *v1alpha1.Container) error {
	securityOpts, err := readSecurityOpts(s.securityOpts.GetSlice())
	if err != nil {
		return err
	}
	for _, mode := range []struct {
		valid bool
		words string
	}{
		{container.PidMode(s.pid).Valid(), "--pid: invalid PID mode"},
		{container.IpcMode(s.ipc).Valid(), "--ipc: invalid IPC mode"},
		{container.UTSMode(s.uts).Valid(), "--uts: invalid UTS mode"},
		{container.UsernsMode(s.userns).Valid(), "--userns: invalid USER mode"},
		{container.CgroupnsMode(s.cgroupns).Valid(), "--cgroupns: invalid CGROUP mode"},
	} {
		if !mode.valid {
			return errors.New(mode.words)
		}
	}
	c.Spec.PIDMode, c.Spec.IPCMode, c.Spec.UTSMode, c.Spec.UsernsMode, c.Spec.CgroupnsMode = s.pid, s.ipc, s.uts, s.userns, s.cgroupns
	c.Spec.Runtime = s.runtime
	if sysctls := s.sysctls.GetAll(); len(sysctls) > 0 {
		c.Spec.Sysctls = sysctls
	}
	context := v1alpha1.ContainerSecurityContext{
		Privileged: s.privileged, ReadOnlyRootFilesystem: s.readOnly, Groups: s.groups.GetSlice(), SecurityOpts: securityOpts,
	}
	if s.capAdd.Len()+s.capDrop.Len() > 0 {
		context.Capabilities = &v1alpha1.ContainerCapabilities{Add: s.capAdd.GetSlice(), Drop: s.capDrop.GetSlice()}
	}
	if !apiequality.Semantic.DeepEqual(context, v1alpha1.ContainerSecurityContext{}) {
		c.Spec.SecurityContext = &context
	}
	return nil
}

// readSecurityOpts returns the values of --security-opt. As with docker, a profile for seccomp is a local file whose content
// is sent.
func readSecurityOpts(given []string) (read []string, err error) {
	const flagOption = "no-new-privileges" // the only one without a value
	for _, option := range given {
		key, value, found := strings.Cut(option, "=")
		if !found {
			key, value, found = strings.Cut(option, ":")
		}
		if (!found || value == "") && key != flagOption {
			return nil, fmt.Errorf("invalid --security-opt: %q", option)
		}
		if found {
			option = key + "=" + value
		}
		if key == "seccomp" && value != "builtin" && value != "unconfined" {
			profile, err := readProfile(value)
			if err != nil {
				return nil, err
			}
			option = "seccomp=" + profile
		}
		read = append(read, option)
	}
	return read, nil
}

func readProfile(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("opening seccomp profile (%s) failed: %w", path, err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, content); err != nil {
		return "", fmt.Errorf("compacting json for seccomp profile (%s) failed: %w", path, err)
	}
	return compact.String(), nil
}
