// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registry

import "k8s.io/apiserver/pkg/registry/rest"

// ReadOnly returns the part of a resource's storage that only reads. Discovery then shows only its verbs.
func ReadOnly(storage rest.Storage) rest.Storage {
	switch storage := storage.(type) {
	case *Updater:
		return storage.Reader
	case *Creator:
		return storage.Reader
	case *Deleter:
		return storage.Reader
	}
	return storage
}
