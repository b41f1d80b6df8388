// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin_test

import (
	"os"
	"syscall"
	"testing"
)

// ownerOf returns the user ID of a file's owner.
func ownerOf(t *testing.T, file string) uint32 {
	t.Helper()
	info, err := os.Lstat(file)
	must(t, err)
	return info.Sys().(*syscall.Stat_t).Uid
}
