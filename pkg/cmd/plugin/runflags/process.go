// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package runflags

import (
	"strings"

	"github.com/docker/cli/opts"
	"github.com/spf13/pflag"
	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// process says what runs in a container.
type process struct {
	flags         *pflag.FlagSet
	spec          v1alpha1.ContainerSpec // the fields that a flag sets as it is given
	entrypoint    string
	env, envFiles opts.ListOpts
	initProcess   bool
	stopTimeout   int
}

func newProcess() *process {
	return &process{env: opts.NewListOpts(opts.ValidateEnv), envFiles: opts.NewListOpts(nil)}
}

func (p *process) add(flags *pflag.FlagSet) {
	p.flags = flags
	flags.StringVar(&p.entrypoint, "entrypoint", "", "Overwrite the default ENTRYPOINT of the image")
	flags.VarP(&p.env, "env", "e", "Set environment variables")
	flags.Var(&p.envFiles, "env-file", "Read in a file of environment variables")
	flags.BoolVarP(&p.spec.Stdin, "interactive", "i", false, "Keep STDIN open even if not attached")
	flags.BoolVarP(&p.spec.TTY, "tty", "t", false, "Allocate a pseudo-TTY")
	flags.StringVarP(&p.spec.User, "user", "u", "", `Username or UID (format: "<name|uid>[:<group|gid>]")`)
	flags.StringVarP(&p.spec.WorkingDir, "workdir", "w", "", "Working directory inside the container")
	flags.StringVarP(&p.spec.Hostname, "hostname", "h", "", "Container host name")
	flags.StringVar(&p.spec.Domainname, "domainname", "", "Container NIS domain name")
	flags.BoolVar(&p.initProcess, "init", false, "Run an init inside the container that forwards signals and reaps processes")
	flags.StringVar(&p.spec.StopSignal, "stop-signal", "", "Signal to stop the container")
	flags.IntVar(&p.stopTimeout, "stop-timeout", 0, "Timeout (in seconds) to stop a container")
	flags.BoolVar(&p.spec.AutoRemove, "rm", false, "Automatically remove the container and its associated anonymous volumes when it exits")
}

func (p *process) apply(c *v1alpha1.Container) error {
	to, from := &c.Spec, &p.spec
	to.Stdin, to.TTY, to.User, to.WorkingDir = from.Stdin, from.TTY, from.User, from.WorkingDir
	to.Hostname, to.Domainname, to.StopSignal, to.AutoRemove = from.Hostname, from.Domainname, from.StopSignal, from.AutoRemove
	to.WorkingDir = clean(to.WorkingDir)
	if p.flags.Changed("entrypoint") { // an empty one takes that of the image away
		to.Command = []string{p.entrypoint}
	}
	if p.flags.Changed("init") {
		to.Init = &p.initProcess
	}
	if p.flags.Changed("stop-timeout") {
		to.StopTimeoutSeconds = ptr.To(int64(p.stopTimeout))
	}
	variables, err := opts.ReadKVEnvStrings(p.envFiles.GetSlice(), p.env.GetSlice())
	if err != nil {
		return err
	}
	to.Env = environment(variables)
	return nil
}

// environment returns variables. The last value of a name counts. A name without a value is one that the user does not have.
func environment(given []string) (variables []v1alpha1.ContainerEnvVar) {
	positions := map[string]int{}
	for _, variable := range given {
		name, value, hasValue := strings.Cut(variable, "=")
		if !hasValue {
			continue
		}
		at, known := positions[name]
		if !known {
			at = len(variables)
			positions[name] = at
			variables = append(variables, v1alpha1.ContainerEnvVar{Name: name})
		}
		variables[at].Value = value
	}
	return variables
}
