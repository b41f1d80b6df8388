// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"encoding/json"
	"errors"
)

// errUnquotedNo explains the most common mistake in a restart policy.
var errUnquotedNo = errors.New(`the name of a restart policy must be text: write "no" with its quotes, because YAML reads no as false`)

// UnmarshalJSON decodes the name. In YAML, no without quotes becomes false.
func (n *ContainerRestartPolicyName) UnmarshalJSON(text []byte) error {
	if string(text) == "false" {
		return errUnquotedNo
	}
	return json.Unmarshal(text, (*string)(n))
}
