// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func authority(t *testing.T, dir string) []byte {
	t.Helper()
	authority, err := Authority(dir)
	if err != nil {
		t.Fatal(err)
	}
	return authority
}

func TestTheAuthorityIsKnownBeforeTheServerEverRan(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	before := authority(t, dir)
	state, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	if made, serving := ensure(t, state.Certificates()); !bytes.Equal(made, before) {
		t.Error("the server made another authority")
	} else {
		verify(t, before, serving, "localhost")
	}
	if during := authority(t, dir); !bytes.Equal(during, before) {
		t.Error("the authority changed while the server runs")
	}
}

func TestProcessesThatMakeTheAuthorityAtOnceGetTheSameOne(t *testing.T) {
	dir := t.TempDir()
	authorities := make([][]byte, 8)
	var group sync.WaitGroup
	for i := range authorities {
		group.Go(func() { authorities[i], _ = Authority(dir) })
	}
	group.Wait()
	for _, other := range authorities {
		if len(other) == 0 || !bytes.Equal(other, authorities[0]) {
			t.Fatalf("there are two authorities: %s and %s", authorities[0], other)
		}
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("files that were left behind: %v %v", files, err)
	}
}

func TestTheAuthorityIsRenewedByTheServerAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		first := authority(t, dir)
		time.Sleep(authorityLife - servingLife)
		if !bytes.Equal(authority(t, dir), first) {
			t.Error("a valid authority was renewed: the server's certificate is now signed by an unknown authority")
		}
		time.Sleep(servingLife + day)
		if bytes.Equal(authority(t, dir), first) {
			t.Error("an expired authority was kept")
		}
	})
}

func TestAnUnusableDirectoryHasNoAuthority(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, privateFile); err != nil {
		t.Fatal(err)
	}
	if _, err := Authority(file); err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "--state-dir") {
		t.Error(err)
	}
}
