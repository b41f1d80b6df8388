// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

func (s *supervisor) data() string { return filepath.Join(s.dir, "data") }

// filler returns the path of the file that takes all the free space.
func (s *supervisor) filler() string { return filepath.Join(s.data(), "filler") }

// mountData mounts an in-memory file system for the engine's data.
func (s *supervisor) mountData(size string) error {
	if err := os.Mkdir(s.data(), 0o710); err != nil {
		return fmt.Errorf("making the data directory: %w", err)
	}
	if err := unix.Mount("tmpfs", s.data(), "tmpfs", 0, "mode=710,size="+size); err != nil {
		return fmt.Errorf("mounting %s for the engine's data: %w", size, err)
	}
	return nil
}

func (s *supervisor) fill() error {
	if os.Getenv(dataSizeEnv) == "" {
		return errors.New("filling the data directory: the engine was started without DataSize")
	}
	file, err := os.Create(s.filler())
	if err != nil {
		return fmt.Errorf("filling the data directory: %w", err)
	}
	defer file.Close()
	for zeros := make([]byte, 64<<10); len(zeros) > 0; {
		if _, err = file.Write(zeros); errors.Is(err, unix.ENOSPC) {
			zeros = zeros[:len(zeros)/2] // write smaller pieces, to the last byte
		} else if err != nil {
			return fmt.Errorf("filling the data directory: %w", err)
		}
	}
	return nil
}
