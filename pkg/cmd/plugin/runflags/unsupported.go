// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package runflags

import (
	"errors"

	"github.com/spf13/pflag"
)

// unsupported are the flags of docker run that the API has no field for, and what to do instead if there is something.
var unsupported = []struct{ name, shorthand, instead string }{
	{"attach", "a", "redirect the output that you do not want"},
	{"annotation", "", ""},
	{"blkio-weight", "", ""},
	{"blkio-weight-device", "", ""},
	{"cgroup-parent", "", ""},
	{"cidfile", "", "the name of the container is printed"},
	{"cpu-period", "", "use --cpus"},
	{"cpu-quota", "", "use --cpus"},
	{"cpu-rt-period", "", ""},
	{"cpu-rt-runtime", "", ""},
	{"cpuset-mems", "", ""},
	{"device-cgroup-rule", "", "use --device"},
	{"device-read-bps", "", ""},
	{"device-read-iops", "", ""},
	{"device-write-bps", "", ""},
	{"device-write-iops", "", ""},
	{"health-start-interval", "", ""},
	{"isolation", "", ""},
	{"link", "", "containers on one network know each other by their names: use --network"},
	{"link-local-ip", "", ""},
	{"memory-swappiness", "", ""},
	{"oom-kill-disable", "", ""},
	{"oom-score-adj", "", ""},
	{"storage-opt", "", ""},
	{"use-api-socket", "", ""},
	{"volume-driver", "", "use --mount with volume-driver"},
	{"volumes-from", "", "name the volumes with --volume"},
}

// refused is the value of a flag that is not supported.
type refused struct{ instead string }

// addUnsupported adds flags that say that they are not supported, and leaves them out of the help.
func addUnsupported(flags *pflag.FlagSet) {
	for _, u := range unsupported {
		flag := flags.VarPF(refused{u.instead}, u.name, u.shorthand, "")
		flag.Hidden = true
		if u.name == "oom-kill-disable" || u.name == "use-api-socket" {
			flag.NoOptDefVal = "true"
		}
	}
}

// Set implements pflag.Value.
func (r refused) Set(string) error {
	if r.instead == "" {
		return errors.New("this flag of docker is not supported")
	}
	return errors.New("this flag of docker is not supported: " + r.instead)
}

// String implements pflag.Value.
func (refused) String() string { return "" }

// Type implements pflag.Value.
func (refused) Type() string { return "unsupported" }
