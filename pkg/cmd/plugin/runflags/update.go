// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package runflags

import (
	"errors"

	"github.com/spf13/pflag"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// Update are the flags of docker update.
type Update struct {
	resources *resources
	restart   *restart
}

// NewUpdate adds the flags of docker update to a set.
func NewUpdate(flags *pflag.FlagSet) *Update {
	u := &Update{newResources(), newRestart()}
	u.resources.add(flags)
	u.restart.add(flags)
	return u
}

// Value returns what is to be changed. What stays as it is, is nil.
func (u *Update) Value() (*v1alpha1.ContainerResources, *v1alpha1.ContainerRestartPolicy, error) {
	policy, err := u.restart.value()
	if err != nil {
		return nil, nil, err
	}
	limits := u.resources.value()
	if limits == nil && policy == nil {
		return nil, nil, errors.New("you must provide one or more flags when using this command")
	}
	return limits, policy, nil
}
