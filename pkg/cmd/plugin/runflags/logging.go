// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package runflags

import (
	"fmt"

	"github.com/docker/cli/opts"
	"github.com/spf13/pflag"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// logging says where the output of a container goes.
type logging struct {
	driver  string
	options opts.ListOpts
}

func newLogging() *logging { return &logging{options: opts.NewListOpts(nil)} }

func (l *logging) add(flags *pflag.FlagSet) {
	flags.StringVar(&l.driver, "log-driver", "", "Logging driver for the container")
	flags.Var(&l.options, "log-opt", "Log driver options")
}

func (l *logging) apply(c *v1alpha1.Container) error {
	if l.driver == "none" && l.options.Len() > 0 {
		return fmt.Errorf("invalid logging opts for driver %s", l.driver)
	}
	if l.driver == "" && l.options.Len() == 0 {
		return nil
	}
	c.Spec.Logging = &v1alpha1.ContainerLogging{Driver: l.driver}
	if l.options.Len() > 0 {
		c.Spec.Logging.Options = opts.ConvertKVStringsToMap(l.options.GetSlice())
	}
	return nil
}
