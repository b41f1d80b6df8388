// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package state manages a server's state directory: the files that must survive a restart, such as its certificates.
package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/moby/sys/atomicwriter"
)

const (
	privateFile os.FileMode = 0o600
	privateDir  os.FileMode = 0o700

	lockName      = "lock"
	authorityName = "ca.pem"
	servingName   = "serving.pem"
)

// errLocked means that another process holds the lock.
var errLocked = errors.New("locked")

// State is the state directory of one server. A lock keeps other servers out of it.
type State struct {
	dir  string
	lock *os.File
}

// DefaultDir returns the state directory of a server that a user starts: below XDG_STATE_HOME if that is an absolute path,
// else below ~/.local/state.
func DefaultDir() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "engine-apiserver"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("finding the home directory for the state directory: %w", err)
	}
	return filepath.Join(home, ".local", "state", "engine-apiserver"), nil
}

// Open makes the directory if it is missing, and locks it until Close.
func Open(dir string) (*State, error) {
	if err := os.MkdirAll(dir, privateDir); err != nil {
		return nil, unusable(err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, privateFile)
	if err != nil {
		return nil, unusable(err)
	}
	if err := lockFile(lock); err != nil {
		lock.Close()
		if errors.Is(err, errLocked) {
			return nil, fmt.Errorf("another engine-apiserver is running with the state directory %s: stop it, or choose another --state-dir and --secure-port", dir)
		}
		return nil, unusable(fmt.Errorf("locking %s: %w", lock.Name(), err))
	}
	return &State{dir, lock}, nil
}

// Close unlocks the directory, so that another server can use it.
func (s *State) Close() error { return s.lock.Close() }

// Path returns the path of the file with this name in the directory.
func (s *State) Path(name string) string { return filepath.Join(s.dir, name) }

func unusable(err error) error {
	return fmt.Errorf("the state directory cannot be used: %w: choose another one with --state-dir", err)
}

// Write replaces a file atomically, and makes its directory if it is missing. Only the user can read the two.
func Write(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), privateDir); err != nil {
		return err
	}
	return atomicwriter.WriteFile(path, content, privateFile)
}
