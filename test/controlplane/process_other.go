// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package controlplane

import "syscall"

func endWithParent() *syscall.SysProcAttr { return nil }
