// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package state is the directory in which a server keeps what must outlive it: its certificates, and what else its mode
// asks for.
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

// errLocked says that another process holds a lock.
var errLocked = errors.New("locked")

// State is the directory of a server, which uses it alone.
type State struct {
	dir  string
	lock *os.File
}

// DefaultDir returns the directory that a user's server keeps its state in.
func DefaultDir() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "engine-apiserver"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("finding a place for the state directory: %w", err)
	}
	return filepath.Join(home, ".local", "state", "engine-apiserver"), nil
}

// Open makes the directory where there is none, and locks it until Close.
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

// Close gives the directory to the next server.
func (s *State) Close() error { return s.lock.Close() }

// Path returns where the file of a name is.
func (s *State) Path(name string) string { return filepath.Join(s.dir, name) }

func unusable(err error) error {
	return fmt.Errorf("the state directory cannot be used: %w: choose another one with --state-dir", err)
}

// Write replaces a file as a whole, and makes its directory where there is none. Only the user can read them.
func Write(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), privateDir); err != nil {
		return err
	}
	return atomicwriter.WriteFile(path, content, privateFile)
}
