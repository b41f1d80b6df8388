// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package runflags

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/spf13/pflag"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// health says how Docker finds out whether a container is healthy.
type health struct {
	off                            bool
	command                        string
	interval, timeout, startPeriod time.Duration
	retries                        int
}

func newHealth() *health { return &health{} }

func (h *health) add(flags *pflag.FlagSet) {
	flags.StringVar(&h.command, "health-cmd", "", "Command to run to check health")
	flags.DurationVar(&h.interval, "health-interval", 0, "Time between running the check (s|m|h)")
	flags.IntVar(&h.retries, "health-retries", 0, "Consecutive failures needed to report unhealthy")
	flags.DurationVar(&h.timeout, "health-timeout", 0, "Maximum time to allow one check to run (s|m|h)")
	flags.DurationVar(&h.startPeriod, "health-start-period", 0, "Start period for the container to initialize before starting health-retries countdown (s|m|h)")
	flags.BoolVar(&h.off, "no-healthcheck", false, "Disable any container-specified HEALTHCHECK")
}

func (h *health) apply(c *v1alpha1.Container) error {
	check := v1alpha1.ContainerHealthCheck{ShellCommand: h.command}
	for _, number := range []struct {
		to    *int32
		flag  string
		given time.Duration
		unit  time.Duration
	}{
		{&check.IntervalSeconds, "health-interval", h.interval, time.Second},
		{&check.TimeoutSeconds, "health-timeout", h.timeout, time.Second},
		{&check.StartPeriodSeconds, "health-start-period", h.startPeriod, time.Second},
		{&check.Retries, "health-retries", time.Duration(h.retries), 1},
	} {
		switch {
		case number.given < 0:
			return fmt.Errorf("--%s cannot be negative", number.flag)
		case number.given%number.unit != 0:
			return fmt.Errorf("--%s must be whole seconds, but is %v", number.flag, number.given)
		case number.given/number.unit > math.MaxInt32:
			return fmt.Errorf("--%s is too large", number.flag)
		}
		*number.to = int32(number.given / number.unit)
	}
	isGiven := check.ShellCommand != "" || check.IntervalSeconds+check.TimeoutSeconds+check.StartPeriodSeconds+check.Retries != 0
	switch {
	case h.off && isGiven:
		return errors.New("--no-healthcheck conflicts with --health-* options")
	case h.off:
		check.Disable = true
	case !isGiven:
		return nil
	}
	c.Spec.HealthCheck = &check
	return nil
}
