// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// packed returns the headers of what is packed, and the content of the files.
func packed(t *testing.T, source, top string, options Options) (headers []*tar.Header, contents []string) {
	t.Helper()
	var archive bytes.Buffer
	must(t, Pack(&archive, source, top, options))
	for reader := tar.NewReader(&archive); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return headers, contents
		}
		must(t, err)
		content, err := io.ReadAll(reader)
		must(t, err)
		headers, contents = append(headers, header), append(contents, string(content))
	}
}

func TestLinksArePackedAsLinksAndNothingOutsideIsRead(t *testing.T) {
	base := t.TempDir()
	source := filepath.Join(base, "source")
	write(t, filepath.Join(base, "secret", "file"), "secret")
	write(t, filepath.Join(source, "file"), "content")
	for name, to := range map[string]string{"out": "../secret", "file-out": "../secret/file", "absolute": filepath.Join(base, "secret"), "in": "file", "nowhere": "x"} {
		must(t, os.Symlink(to, filepath.Join(source, name)))
	}
	headers, contents := packed(t, source, "top", Options{})
	var names []string
	for i, header := range headers {
		names = append(names, header.Name+">"+header.Linkname+contents[i])
	}
	want := []string{"top/>", "top/absolute>" + filepath.Join(base, "secret"), "top/file>content", "top/file-out>../secret/file", "top/in>file", "top/nowhere>x", "top/out>../secret"}
	if !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
	if headers, _ := packed(t, filepath.Join(source, "file-out"), "link", Options{}); len(headers) != 1 || headers[0].Linkname != "../secret/file" {
		t.Errorf("%+v", headers)
	}
}

// The writer replaces the directory after the directory above it was read.
func TestALinkThatIsPutInThePlaceOfADirectoryHalfWayIsNotFollowed(t *testing.T) {
	base := t.TempDir()
	source := filepath.Join(base, "source")
	write(t, filepath.Join(base, "secret", "file"), "secret")
	write(t, filepath.Join(source, "a"), "content")
	write(t, filepath.Join(source, "d", "file"), "content")
	var archive bytes.Buffer
	isReplaced := false
	err := Pack(writerFunc(func(p []byte) (int, error) {
		if !isReplaced && bytes.HasPrefix(p, []byte("top/a")) {
			isReplaced = true
			must(t, os.RemoveAll(filepath.Join(source, "d")))
			must(t, os.Symlink("../secret", filepath.Join(source, "d")))
		}
		return archive.Write(p)
	}), source, "top", Options{})
	if !isReplaced || err == nil || strings.Contains(archive.String(), "top/d/file") {
		t.Errorf("what is behind the link was packed, or the copy is complete: %v", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestTheContentOfADirectoryIsPackedWithoutTheDirectory(t *testing.T) {
	source := t.TempDir()
	write(t, filepath.Join(source, "d", "file"), "")
	headers, _ := packed(t, source, ".", Options{})
	if len(headers) != 2 || headers[0].Name != "d/" || headers[1].Name != "d/file" {
		t.Errorf("%+v", headers)
	}
}

func TestWhatIsPackedIsUnpackedTheSame(t *testing.T) {
	source := t.TempDir()
	write(t, filepath.Join(source, "closed", "deep", "file"), strings.Repeat("content", 100_000))
	write(t, filepath.Join(source, "empty"), "")
	write(t, filepath.Join(source, strings.Repeat("long", 50), strings.Repeat("name", 50)), "x")
	write(t, filepath.Join(source, "ä b\n\\c"), "x")
	must(t, os.Symlink("closed/deep/file", filepath.Join(source, "link")))
	must(t, os.Chmod(filepath.Join(source, "closed"), 0o555))
	must(t, os.Chmod(filepath.Join(source, "empty"), 0))
	must(t, os.Chtimes(filepath.Join(source, "empty"), then, then))
	var archive bytes.Buffer
	must(t, Pack(&archive, source, "packed", Options{}))
	directory := t.TempDir()
	_, err := unpackAs(t, &archive, directory, "copy")
	must(t, err)
	unpacked := filepath.Join(directory, "copy")
	names := below(t, source)
	if got := below(t, unpacked); !slices.Equal(got, names) {
		t.Fatalf("%q, want %q", got, names)
	}
	for _, name := range names {
		want, err := os.Lstat(filepath.Join(source, name))
		must(t, err)
		got, err := os.Lstat(filepath.Join(unpacked, name))
		if err != nil || got.Mode() != want.Mode() || want.Mode().IsRegular() && read(t, filepath.Join(unpacked, name)) != read(t, filepath.Join(source, name)) {
			t.Errorf("%s: %v instead of %v, %v", name, got.Mode(), want.Mode(), err)
		}
	}
	if info, err := os.Stat(filepath.Join(unpacked, "empty")); err != nil || !info.ModTime().Equal(then) {
		t.Errorf("%v %v", info, err)
	}
}

func TestOwnersArePackedOnlyIfTheyAreToBeKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	owner := os.Getuid()
	if owner == 0 {
		owner = 1234
		must(t, os.Lchown(file, owner, owner))
	}
	for keep, want := range map[bool]int{true: owner, false: 0} {
		headers, _ := packed(t, file, "file", Options{KeepOwners: keep})
		if header := headers[0]; header.Uid != want || header.Uname != "" || header.Gname != "" {
			t.Errorf("kept %t: %+v", keep, header)
		}
	}
}

func TestSocketsAreLeftOutAndNamed(t *testing.T) {
	source, err := os.MkdirTemp("", "pack-") // t.TempDir() may be too long for the path of a socket
	must(t, err)
	defer os.RemoveAll(source)
	listener, err := net.Listen("unix", filepath.Join(source, "socket"))
	must(t, err)
	defer listener.Close()
	var leftOut []string
	headers, _ := packed(t, source, "top", Options{LeftOut: func(name string) { leftOut = append(leftOut, name) }})
	if len(headers) != 1 || !slices.Equal(leftOut, []string{"socket"}) {
		t.Errorf("packed %d, left out %q", len(headers), leftOut)
	}
}

func TestAnArchiveThatCannotBeCompletedHasNoEnd(t *testing.T) {
	source := t.TempDir()
	file := filepath.Join(source, "file")
	write(t, file, strings.Repeat("x", 100_000))
	var archive bytes.Buffer
	err := Pack(writerFunc(func(p []byte) (int, error) {
		must(t, os.Truncate(file, 10))
		return archive.Write(p)
	}), file, "file", Options{})
	if err == nil || !strings.Contains(err.Error(), "file became shorter") {
		t.Error(err)
	}
	if _, err := unpackAs(t, &archive, t.TempDir(), "file"); err == nil {
		t.Error("the archive has an end")
	}
}
