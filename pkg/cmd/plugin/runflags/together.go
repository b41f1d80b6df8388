// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package runflags

import (
	"errors"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// checkTogether refuses flags of different groups that docker refuses together.
func checkTogether(spec *v1alpha1.ContainerSpec) error {
	if spec.AutoRemove && spec.RestartPolicy != nil && spec.RestartPolicy.Name != v1alpha1.ContainerRestartNo {
		return errors.New("conflicting options: cannot specify both --restart and --rm")
	}
	return nil
}
