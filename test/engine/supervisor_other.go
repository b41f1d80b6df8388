// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package engine

import "syscall"

const (
	superviseEnv = "ENGINE_SUPERVISE"
	dataSizeEnv  = "ENGINE_DATA_SIZE"
)

func isolated() *syscall.SysProcAttr { return nil }
