// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
)

// cleaner is a child process that removes a directory when the test process closes a pipe or ends, even by SIGKILL.
type cleaner struct {
	command *exec.Cmd
	pipe    io.Closer
}

// The script retries, because programs that are being killed may still write to the directory.
const cleanerScript = `
trap '' INT TERM HUP QUIT
cat >/dev/null
attempt=0
until rm -rf "$1"; do
	attempt=$((attempt + 1))
	[ "$attempt" -lt 100 ] || exit 1
	sleep 0.1
done
`

func startCleaner(dir string) (*cleaner, error) {
	command := exec.Command("/bin/sh", "-c", cleanerScript, "cleaner", dir)
	pipe, err := command.StdinPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("starting the process that removes %s: %w", dir, err)
	}
	return &cleaner{command, pipe}, nil
}

// clean removes the directory now.
func (c *cleaner) clean() error {
	if err := errors.Join(c.pipe.Close(), c.command.Wait()); err != nil {
		return fmt.Errorf("removing the directory of a control plane: %w", err)
	}
	return nil
}
