// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package source

import "k8s.io/apimachinery/pkg/api/resource"

// Written returns a quantity that has its text. Whoever asks it for its text later does not change it.
func Written(q *resource.Quantity) *resource.Quantity {
	_ = q.String()
	return q
}
