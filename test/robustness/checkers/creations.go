// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package checkers

import "github.com/rancher-sandbox/engine-apiserver/test/robustness/history"

// Applied finds three faults of creations. An object was created in another way than it was asked for. An object is not there,
// although its creation was answered. An object was refused, although nothing is wrong with it.
func Applied(h *history.History) Result {
	var r Result
	for _, creation := range h.Creations {
		r.checked()
		violated := func(format string, args ...any) {
			r.violated("%s: %s %s: "+format, append([]any{creation.Client, creation.Kind, creation.Name}, args...)...)
		}
		if creation.Refused != "" {
			violated("it was refused: %s", creation.Refused)
		}
		if creation.Missing {
			violated("its creation was answered, but it is not there")
		}
		for _, wrong := range creation.Wrong {
			violated("%s", wrong)
		}
	}
	return r
}
