// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"unsafe"

	"golang.org/x/sys/unix"
)

// bridgeName matches the bridges in the file in which dockerd keeps its networks.
var bridgeName = regexp.MustCompile(`"BridgeName":"(br-[0-9a-f]{12})"`)

// removeBridges removes the bridges of the engine's networks. Networks outlive dockerd, and an engine shares the network
// namespace of the host.
func removeBridges(data string) error {
	networks, err := os.ReadFile(filepath.Join(data, "network", "files", "local-kv.db"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for bridges: %w", err)
	}
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("removing bridges: %w", err)
	}
	defer unix.Close(socket)
	var problems []error
	for _, match := range bridgeName.FindAllSubmatch(networks, -1) {
		// The file also has the names of networks that dockerd has removed.
		if err := removeBridge(socket, string(match[1])); err != nil && !errors.Is(err, unix.ENODEV) && !errors.Is(err, unix.ENXIO) {
			problems = append(problems, fmt.Errorf("removing bridge %s: %w", match[1], err))
		}
	}
	return errors.Join(problems...)
}

func removeBridge(socket int, name string) error {
	down, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, down); err != nil {
		return err
	}
	text, err := unix.BytePtrFromString(name)
	if err != nil {
		return err
	}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(socket), unix.SIOCBRDELBR, uintptr(unsafe.Pointer(text))); errno != 0 {
		return errno
	}
	return nil
}
