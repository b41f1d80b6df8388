// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package runflags

import (
	"fmt"
	"math"

	"github.com/docker/cli/opts"
	"github.com/docker/docker/api/types/container"
	"github.com/spf13/pflag"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// restart says when a container is started again.
type restart struct{ policy string }

func newRestart() *restart { return &restart{} }

func (r *restart) add(flags *pflag.FlagSet) {
	flags.StringVar(&r.policy, "restart", "", `Restart policy to apply when a container exits ("no", "always", "on-failure[:max-retries]", "unless-stopped")`)
}

func (r *restart) apply(c *v1alpha1.Container) (err error) {
	c.Spec.RestartPolicy, err = r.value()
	return err
}

// value returns nil if no policy was given.
func (r *restart) value() (*v1alpha1.ContainerRestartPolicy, error) {
	policy, err := opts.ParseRestartPolicy(r.policy)
	if err == nil {
		err = container.ValidateRestartPolicy(policy)
	}
	if err != nil || policy.Name == "" {
		return nil, err
	}
	if policy.MaximumRetryCount > math.MaxInt32 {
		return nil, fmt.Errorf("invalid restart policy: the maximum retry count must be at most %d", math.MaxInt32)
	}
	return &v1alpha1.ContainerRestartPolicy{Name: v1alpha1.ContainerRestartPolicyName(policy.Name), MaximumRetryCount: int32(policy.MaximumRetryCount)}, nil
}
