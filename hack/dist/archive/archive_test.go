// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/hack/dist/content"
)

var (
	modified = time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC)
	files    = []content.File{
		{Path: "program", Mode: content.Executable, Data: []byte("binary")},
		{Path: "man/man1/program.1", Mode: content.Regular, Data: []byte("page")},
		{Path: "LICENSE", Mode: content.Regular, Data: []byte("license")},
	}
	formats = map[string]func(io.Writer, []content.File, time.Time) error{"TarGz": TarGz, "Tar": Tar, "Zip": Zip}
)

func TestTheOrderOfTheFilesDoesNotMatter(t *testing.T) {
	reversed := slices.Clone(files)
	slices.Reverse(reversed)
	for name, write := range formats {
		var first, second bytes.Buffer
		if err := errors.Join(write(&first, files, modified), write(&second, reversed, modified.Local())); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Errorf("%s: the same files make different archives", name)
		}
	}
}

func TestATarGzHasTheFilesWithTheirModesAndOneTime(t *testing.T) {
	var archive bytes.Buffer
	if err := TarGz(&archive, files, modified); err != nil {
		t.Fatal(err)
	}
	plain, err := gzip.NewReader(&archive)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for reader := tar.NewReader(plain); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		if !header.ModTime.Equal(modified) || header.Uid != 0 || header.Gid != 0 || header.Uname != "" || header.Gname != "" {
			t.Errorf("%+v", header)
		}
		found = append(found, header.FileInfo().Mode().String()+" "+header.Name+" "+string(data))
	}
	want := []string{"-rw-r--r-- LICENSE license", "-rw-r--r-- man/man1/program.1 page", "-rwxr-xr-x program binary"}
	if !slices.Equal(found, want) {
		t.Errorf("%q, want %q", found, want)
	}
}

func TestATarHasADirectoryBeforeWhatIsInIt(t *testing.T) {
	var archive bytes.Buffer
	if err := Tar(&archive, files, modified); err != nil {
		t.Fatal(err)
	}
	var found []string
	for reader := tar.NewReader(&archive); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, header.Name)
	}
	if want := []string{"LICENSE", "man/", "man/man1/", "man/man1/program.1", "program"}; !slices.Equal(found, want) {
		t.Errorf("%q, want %q", found, want)
	}
}

func TestAZipHasTheFilesWithTheirModesAndOneTime(t *testing.T) {
	var archive bytes.Buffer
	if err := Zip(&archive, files, modified); err != nil {
		t.Fatal(err)
	}
	reader, err := zip.NewReader(bytes.NewReader(archive.Bytes()), int64(archive.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range reader.File {
		if !file.Modified.Equal(modified) {
			t.Errorf("%s was modified at %s", file.Name, file.Modified)
		}
		found = append(found, file.Mode().String()+" "+file.Name)
	}
	want := []string{"-rw-r--r-- LICENSE", "-rw-r--r-- man/man1/program.1", "-rwxr-xr-x program"}
	if !slices.Equal(found, want) {
		t.Errorf("%q, want %q", found, want)
	}
}

func TestTwoFilesWithOnePathAndPathsThatLeadOutAreRefused(t *testing.T) {
	for words, wrong := range map[string]content.File{
		"two files LICENSE": {Path: "LICENSE"},
		`"../secret" is no`: {Path: "../secret"},
		`"/etc/passwd" is`:  {Path: "/etc/passwd"},
	} {
		for name, write := range formats {
			err := write(io.Discard, append(slices.Clone(files), wrong), modified)
			if err == nil || !strings.Contains(err.Error(), words) {
				t.Errorf("%s: %v, want %q", name, err, words)
			}
		}
	}
}
