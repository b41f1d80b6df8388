// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package packages

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sassoftware/go-rpmutils"

	"github.com/rancher-sandbox/engine-apiserver/hack/dist/content"
	"github.com/rancher-sandbox/engine-apiserver/hack/dist/release"
)

var (
	from     = release.Release{Version: "v0.2.0-rc.1", Time: time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC)}
	contents = []File{
		{File: content.File{Path: "usr/bin/engine-apiserver", Mode: content.Executable, Data: []byte("program")}},
		{File: content.File{Path: "etc/default/engine-apiserver", Mode: content.Regular, Data: []byte("settings")}, Config: true},
	}
)

func build(t *testing.T, format, arch string) Package {
	t.Helper()
	made, err := Make(format, from, arch, "https://example.com", contents)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestTheSameFilesMakeTheSamePackage(t *testing.T) {
	for _, format := range []string{"deb", "rpm"} {
		first := build(t, format, "amd64")
		slices.Reverse(contents)
		if second := build(t, format, "amd64"); !bytes.Equal(first.Data, second.Data) {
			t.Errorf("two runs make different %ss", format)
		}
	}
}

func TestADebHasTheFilesAndTheScripts(t *testing.T) {
	made := build(t, "deb", "arm64")
	if made.Name != "engine-apiserver_0.2.0~rc.1-1_arm64.deb" {
		t.Error(made.Name)
	}
	file := filepath.Join(t.TempDir(), made.Name)
	if err := os.WriteFile(file, made.Data, 0o600); err != nil {
		t.Fatal(err)
	}
	for flag, words := range map[string][]string{
		"--info": {" Package: engine-apiserver\n", " Version: 0.2.0~rc.1-1\n", " Architecture: arm64\n", "Recommends: docker.io | docker-ce",
			"postinst", "prerm", "postrm", "conffiles"},
		"--contents": {"-rwxr-xr-x root/root ", "./usr/bin/engine-apiserver\n", "-rw-r--r-- root/root ", "./etc/default/engine-apiserver\n", "2026-03-06 12:00"},
	} {
		command := exec.CommandContext(t.Context(), "dpkg-deb", flag, file)
		command.Env = append(os.Environ(), "TZ=UTC", "LC_ALL=C")
		output, err := command.CombinedOutput()
		if err != nil {
			t.Errorf("dpkg-deb %s: %v\n%s", flag, err, output)
		}
		for _, word := range words {
			if !strings.Contains(string(output), word) {
				t.Errorf("dpkg-deb %s does not print %q:\n%s", flag, word, output)
			}
		}
	}
}

func TestAnRPMHasTheFilesAndTheScripts(t *testing.T) {
	made := build(t, "rpm", "arm64")
	if made.Name != "engine-apiserver-0.2.0~rc.1-1.aarch64.rpm" {
		t.Error(made.Name)
	}
	rpm, err := rpmutils.ReadRpm(bytes.NewReader(made.Data))
	if err != nil {
		t.Fatal(err)
	}
	text := func(tag int) string {
		value, err := rpm.Header.GetString(tag)
		if err != nil {
			t.Error(err)
		}
		return value
	}
	for tag, want := range map[int]string{
		rpmutils.NAME: "engine-apiserver", rpmutils.VERSION: "0.2.0~rc.1", rpmutils.ARCH: "aarch64", rpmutils.LICENSE: "Apache-2.0", rpmutils.BUILDHOST: "localhost",
	} {
		if got := text(tag); got != want {
			t.Errorf("tag %d is %q, want %q", tag, got, want)
		}
	}
	if required, err := rpm.Header.GetStrings(rpmutils.REQUIRENAME); err != nil || !slices.Contains(required, "/bin/sh") {
		t.Errorf("it requires %q: %v", required, err)
	}
	for _, tag := range []int{rpmutils.POSTIN, rpmutils.PREUN, rpmutils.POSTUN} {
		if !strings.HasPrefix(text(tag), "#!/bin/sh") {
			t.Errorf("tag %d is no script", tag)
		}
	}
	files, err := rpm.Header.GetFiles()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		names = append(names, file.Name())
		if modified := file.Mtime(); int64(modified) != from.Time.Unix() || file.UserName() != "root" {
			t.Errorf("%s: %d, %s", file.Name(), modified, file.UserName())
		}
	}
	if want := []string{"/etc/default/engine-apiserver", "/usr/bin/engine-apiserver"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}

func TestTheScriptsAreOfAShell(t *testing.T) {
	files, err := filepath.Glob("scripts/*.sh")
	if err != nil || len(files) != 3 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if output, err := exec.CommandContext(t.Context(), "sh", "-n", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", file, err, output)
		}
	}
}
