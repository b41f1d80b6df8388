// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package standalone gives a server that stands alone what a cluster would give it: certificates, a token, who may do
// what, and a kubeconfig for its clients.
package standalone

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
)

// errLocked says that another process holds a lock.
var errLocked = errors.New("locked")

// State is the directory in which a server keeps what must outlive it. One server uses it at a time.
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
	unusable := func(err error) error {
		return fmt.Errorf("the state directory cannot be used: %w: choose another one with --state-dir", err)
	}
	if err := os.MkdirAll(dir, privateDir); err != nil {
		return nil, unusable(err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, privateFile)
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

func (s *State) path(name string) string { return filepath.Join(s.dir, name) }

// Kubeconfig returns where the kubeconfig is unless someone says otherwise.
func (s *State) Kubeconfig() string { return s.path("kubeconfig") }

// write replaces a file as a whole.
func write(path string, content []byte) error {
	return atomicwriter.WriteFile(path, content, privateFile)
}
