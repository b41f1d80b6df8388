// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestNobodyElseCanReadTheState(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // on Windows a file inherits its permissions from the user's profile
	}
	dir := filepath.Join(t.TempDir(), "new", "state")
	state, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	ensure(t, state.Certificates())
	if err := Write(state.Path(filepath.Join("more", "file")), []byte("secret")); err != nil {
		t.Fatal(err)
	}
	err = filepath.Walk(filepath.Dir(dir), func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has the mode %v", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAStateDirectoryHasOneServer(t *testing.T) {
	dir := t.TempDir()
	first, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := Open(dir); err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "--state-dir") {
		t.Errorf("the second Open returned %v, %v", second, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := Open(dir)
	if err != nil {
		t.Fatal("Close did not unlock the directory: ", err)
	}
	second.Close()
}

func TestAnUnusableStateDirectoryIsNamedWithTheWayOut(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, privateFile); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file); err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "--state-dir") {
		t.Error(err)
	}
}

func TestTheStateIsWhereTheUserKeepsState(t *testing.T) {
	t.Setenv("HOME", filepath.FromSlash("/home/me"))
	t.Setenv("USERPROFILE", filepath.FromSlash("/home/me"))
	state := filepath.Join(t.TempDir(), "state")
	for env, want := range map[string]string{
		state:      filepath.Join(state, "engine-apiserver"),
		"":         filepath.FromSlash("/home/me/.local/state/engine-apiserver"),
		"relative": filepath.FromSlash("/home/me/.local/state/engine-apiserver"),
	} {
		t.Setenv("XDG_STATE_HOME", env)
		if got, err := DefaultDir(); err != nil || got != want {
			t.Errorf("%q: %q %v, want %q", env, got, err, want)
		}
	}
}
