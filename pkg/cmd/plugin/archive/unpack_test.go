// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"archive/tar"
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// member is a member of an archive. Its content is that of a file or the target of a link.
type member struct {
	kind          byte
	name, content string
}

var then = time.Unix(1_000_000_000, 0)

func archiveOf(t *testing.T, members ...member) *bytes.Buffer {
	t.Helper()
	var archive bytes.Buffer
	writer := tar.NewWriter(&archive)
	for _, m := range members {
		header := &tar.Header{Typeflag: m.kind, Name: m.name, Mode: 0o7751, ModTime: then}
		switch m.kind {
		case tar.TypeReg:
			header.Size = int64(len(m.content))
		case tar.TypeXGlobalHeader:
			header = &tar.Header{Typeflag: m.kind, PAXRecords: map[string]string{"comment": m.content}}
		default:
			header.Linkname = m.content
		}
		must(t, writer.WriteHeader(header))
		if m.kind == tar.TypeReg {
			_, err := io.WriteString(writer, m.content)
			must(t, err)
		}
	}
	must(t, writer.Close())
	return &archive
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// unpackAs unpacks an archive in a directory, under a name.
func unpackAs(t *testing.T, content io.Reader, directory, name string) (leftOut []string, err error) {
	t.Helper()
	err = Unpack(content, func(bool) (Place, error) { return Place{directory, name}, nil },
		Options{LeftOut: func(name string) { leftOut = append(leftOut, name) }})
	return leftOut, err
}

// below returns the names of everything below a directory.
func below(t *testing.T, directory string) (names []string) {
	t.Helper()
	must(t, filepath.WalkDir(directory, func(name string, _ fs.DirEntry, err error) error {
		if err == nil && name != directory {
			relative, _ := filepath.Rel(directory, name)
			names = append(names, relative)
		}
		return err
	}))
	return names
}

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	must(t, err)
	return string(content)
}

func write(t *testing.T, name, content string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(name), 0o755))
	must(t, os.WriteFile(name, []byte(content), 0o644))
}

// What is outside is beside the unpacked directory, in the directory that the user has named.
func TestNothingIsWrittenOutsideOfTheUnpackedDirectory(t *testing.T) {
	for name, members := range map[string][]member{
		"dots":                       {{tar.TypeReg, "top/../outside/secret", "x"}},
		"dots alone":                 {{tar.TypeReg, "../outside/secret", "x"}},
		"dots in dots":               {{tar.TypeReg, "top/a/../../outside/secret", "x"}},
		"another top":                {{tar.TypeReg, "outside/secret", "x"}},
		"an absolute name":           {{tar.TypeReg, "OUTSIDE/secret", "x"}},
		"an absolute name below top": {{tar.TypeReg, "/top/../OUTSIDE/secret", "x"}},
		"backslashes":                {{tar.TypeReg, `top/..\outside\secret`, "x"}},
		"a link":                     {{tar.TypeSymlink, "top/link", "../outside"}, {tar.TypeReg, "top/link/secret", "x"}},
		"an absolute link":           {{tar.TypeSymlink, "top/link", "OUTSIDE"}, {tar.TypeReg, "top/link/secret", "x"}},
		"a new file through a link":  {{tar.TypeSymlink, "top/link", "../outside"}, {tar.TypeReg, "top/link/new", "x"}},
		"a directory through a link": {{tar.TypeSymlink, "top/link", "../outside"}, {tar.TypeDir, "top/link/d/", ""}},
		"a link through a link":      {{tar.TypeSymlink, "top/link", "../outside"}, {tar.TypeSymlink, "top/link/l", "x"}},
		"a link to the file":         {{tar.TypeSymlink, "top/link", "OUTSIDE/secret"}, {tar.TypeReg, "top/link", "x"}},
		"a link in place of top":     {{tar.TypeSymlink, "top", "outside"}, {tar.TypeReg, "top/secret", "x"}},
		"a chain of links":           {{tar.TypeSymlink, "top/a", ".."}, {tar.TypeSymlink, "top/b", "a/outside"}, {tar.TypeReg, "top/b/secret", "x"}},
		"a hard link":                {{tar.TypeLink, "top/link", "OUTSIDE/secret"}, {tar.TypeReg, "top/link", "x"}},
		"a hard link with dots":      {{tar.TypeLink, "top/link", "top/../outside/secret"}, {tar.TypeReg, "top/link", "x"}},
		"a hard link through a link": {{tar.TypeSymlink, "top/out", "../outside"}, {tar.TypeLink, "top/link", "top/out/secret"}},
		"a hard link to a link":      {{tar.TypeSymlink, "top/out", "OUTSIDE/secret"}, {tar.TypeLink, "top/link", "top/out"}, {tar.TypeReg, "top/link", "x"}},
		"a directory for a link":     {{tar.TypeSymlink, "top/d", "../outside"}, {tar.TypeDir, "top/d/", ""}, {tar.TypeReg, "top/d/secret", "x"}},
		"a link for a directory":     {{tar.TypeDir, "top/d/", ""}, {tar.TypeSymlink, "top/d", "../outside"}, {tar.TypeReg, "top/d/secret", "x"}},
		"a link that was there":      {{tar.TypeReg, "top/old/secret", "x"}},
		"a directory that was one":   {{tar.TypeDir, "top/old/", ""}, {tar.TypeReg, "top/old/secret", "x"}},
		"a file that was a link":     {{tar.TypeReg, "top/oldfile", "x"}},
		"no more than a name":        {{tar.TypeReg, "top", "x"}},
		"no name":                    {{tar.TypeReg, "", "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			directory := t.TempDir()
			outside := filepath.Join(directory, "outside")
			write(t, filepath.Join(outside, "secret"), "unharmed")
			must(t, os.Mkdir(filepath.Join(directory, "new"), 0o755))
			must(t, os.Symlink(outside, filepath.Join(directory, "new", "old")))
			must(t, os.Symlink("../outside/secret", filepath.Join(directory, "new", "oldfile")))
			before, err := os.Stat(outside)
			must(t, err)
			for i := range members {
				members[i].name = strings.ReplaceAll(members[i].name, "OUTSIDE", outside)
				members[i].content = strings.ReplaceAll(members[i].content, "OUTSIDE", outside)
			}
			members = append([]member{{tar.TypeDir, "top/", ""}}, members...)
			_, err = unpackAs(t, archiveOf(t, members...), directory, "new") // it may fail, or write inside
			if got := read(t, filepath.Join(outside, "secret")); got != "unharmed" {
				t.Errorf("the file outside is %q (%v)", got, err)
			}
			if names := below(t, outside); !slices.Equal(names, []string{"secret"}) {
				t.Errorf("outside are %q (%v)", names, err)
			}
			if after, statErr := os.Stat(outside); statErr != nil || after.Mode() != before.Mode() || !after.ModTime().Equal(before.ModTime()) {
				t.Errorf("the directory outside was changed: %v (%v)", statErr, err)
			}
			if above, listErr := os.ReadDir(directory); listErr != nil || len(above) != 2 {
				t.Errorf("beside the unpacked directory are %v, %v (%v)", above, listErr, err)
			}
		})
	}
}

func TestALinkThatIsPutInThePlaceOfADirectoryHalfWayLeadsNowhere(t *testing.T) {
	directory := t.TempDir()
	outside := filepath.Join(directory, "outside")
	must(t, os.Mkdir(outside, 0o700))
	archive := archiveOf(t, member{tar.TypeDir, "top/", ""}, member{tar.TypeDir, "top/d/", ""},
		member{tar.TypeReg, "top/d/first", "x"}, member{tar.TypeReg, "top/d/second", "x"})
	const headersAndFirst = 4 * 512
	replace := readerFunc(func([]byte) (int, error) {
		must(t, os.RemoveAll(filepath.Join(directory, "new", "d")))
		must(t, os.Symlink("../outside", filepath.Join(directory, "new", "d")))
		return 0, io.EOF
	})
	head := bytes.NewReader(archive.Next(headersAndFirst))
	if _, err := unpackAs(t, io.MultiReader(head, replace, archive), directory, "new"); err == nil {
		t.Error("it was unpacked")
	}
	if info, err := os.Stat(outside); len(below(t, outside)) > 0 || err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%q %v %v", below(t, outside), info, err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestAnArchiveIsUnpackedUnderAnotherName(t *testing.T) {
	for name, want := range map[string][]string{
		"new": {"new", "new/d", "new/d/f", "new/hard", "new/link"},
		".":   {"d", "d/f", "hard", "link"},
	} {
		for _, top := range []string{"old/", "./", "/", ".hidden/"} {
			directory := t.TempDir()
			before, err := os.Stat(directory)
			must(t, err)
			archive := archiveOf(t, member{tar.TypeXGlobalHeader, "", "of some tool"}, member{tar.TypeDir, top, ""}, member{tar.TypeDir, top + "d/", ""},
				member{tar.TypeReg, top + "d/f", "content"}, member{tar.TypeSymlink, top + "link", "d/f"}, member{tar.TypeLink, top + "hard", top + "d/f"})
			leftOut, err := unpackAs(t, archive, directory, name)
			if got := below(t, directory); err != nil || len(leftOut) > 0 || !slices.Equal(got, want) {
				t.Errorf("%s as %s: %q, want %q, left out %q: %v", top, name, got, want, leftOut, err)
			}
			for _, made := range []string{"d", "link", "hard"} {
				info, err := os.Stat(filepath.Join(directory, name, made))
				must(t, err)
				if info.Mode()&^fs.ModeDir != 0o751 || !info.ModTime().Equal(then) {
					t.Errorf("%s as %s: %s has %v and %v", top, name, made, info.Mode(), info.ModTime())
				}
			}
			if after, err := os.Stat(directory); err != nil || after.Mode() != before.Mode() {
				t.Errorf("the user's own directory has %v instead of %v: %v", after.Mode(), before.Mode(), err)
			}
		}
	}
}

func TestAFileReplacesALinkAndNotWhatItLeadsTo(t *testing.T) {
	directory := t.TempDir()
	link, to := filepath.Join(directory, "new"), filepath.Join(directory, "to")
	write(t, to, "unharmed")
	must(t, os.Symlink("to", link))
	if _, err := unpackAs(t, archiveOf(t, member{tar.TypeReg, "file", "x"}), directory, "new"); err != nil || read(t, to) != "unharmed" {
		t.Errorf("%q %v", read(t, to), err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode() != 0o751 || read(t, link) != "x" {
		t.Errorf("%v %v", info, err)
	}
}

func TestDirectoriesAreMergedAndReplacedByNothingElse(t *testing.T) {
	directory := t.TempDir()
	write(t, filepath.Join(directory, "new", "d", "kept"), "kept")
	write(t, filepath.Join(directory, "new", "f"), "kept")
	for name, members := range map[string][]member{
		"a file for a directory": {{tar.TypeReg, "top/d", "x"}},
		"a link for a directory": {{tar.TypeSymlink, "top/d", "x"}},
		"a directory for a file": {{tar.TypeDir, "top/f/", ""}},
	} {
		if _, err := unpackAs(t, archiveOf(t, append([]member{{tar.TypeDir, "top/", ""}}, members...)...), directory, "new"); err == nil {
			t.Errorf("%s was unpacked", name)
		}
	}
	merged := archiveOf(t, member{tar.TypeDir, "top/", ""}, member{tar.TypeDir, "top/d/", ""}, member{tar.TypeReg, "top/d/added", "x"})
	_, err := unpackAs(t, merged, directory, "new")
	must(t, err)
	if got, want := below(t, directory), []string{"new", "new/d", "new/d/added", "new/d/kept", "new/f"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestDevicesAndPipesAreLeftOutAndNamed(t *testing.T) {
	directory := t.TempDir()
	leftOut, err := unpackAs(t, archiveOf(t, member{tar.TypeDir, "top/", ""}, member{tar.TypeFifo, "top/pipe", ""}, member{tar.TypeChar, "top/null", ""},
		member{tar.TypeBlock, "top/disk", ""}, member{tar.TypeReg, "top/file", "x"}), directory, "top")
	if got := below(t, directory); err != nil || !slices.Equal(leftOut, []string{"top/pipe", "top/null", "top/disk"}) || !slices.Equal(got, []string{"top", "top/file"}) {
		t.Errorf("left out %q, unpacked %q: %v", leftOut, got, err)
	}
	if _, err := unpackAs(t, archiveOf(t, member{tar.TypeChar, "null", ""}), directory, "null"); err == nil {
		t.Error("a device alone was left out without an error")
	}
}

func TestAnArchiveThatIsCutIsAnErrorAndLeavesNoFileThatLooksWhole(t *testing.T) {
	whole := archiveOf(t, member{tar.TypeDir, "top/", ""}, member{tar.TypeReg, "top/file", strings.Repeat("x", 10_000)}).Bytes()
	for _, size := range []int{0, 100, 512, 1000, 1024, 5000} {
		directory := t.TempDir()
		write(t, filepath.Join(directory, "top", "file"), "before")
		content := io.MultiReader(bytes.NewReader(whole[:size]), readerFunc(func([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }))
		if _, err := unpackAs(t, content, directory, "top"); err == nil {
			t.Errorf("%d bytes were unpacked", size)
		}
		if got := below(t, directory); !slices.Equal(got, []string{"top", "top/file"}) || read(t, filepath.Join(directory, "top", "file")) != "before" {
			t.Errorf("after %d bytes: %q", size, got)
		}
	}
}

// The archive is followed by how the session ended.
func TestAnArchiveIsCompleteOnlyAtTheEndOfItsReader(t *testing.T) {
	archive := archiveOf(t, member{tar.TypeReg, "file", "x"})
	broken := readerFunc(func([]byte) (int, error) { return 0, io.ErrUnexpectedEOF })
	if _, err := unpackAs(t, io.MultiReader(archive, broken), t.TempDir(), "file"); err == nil {
		t.Error("it was unpacked")
	}
}

func TestAnArchiveOfAFileHasNothingElse(t *testing.T) {
	directory := t.TempDir()
	if _, err := unpackAs(t, archiveOf(t, member{tar.TypeReg, "file", "x"}, member{tar.TypeReg, "other", "x"}), directory, "file"); err == nil {
		t.Error("it was unpacked")
	}
	if got := below(t, directory); !slices.Equal(got, []string{"file"}) {
		t.Errorf("%q", got)
	}
	if _, err := unpackAs(t, archiveOf(t), directory, "nothing"); err == nil {
		t.Error("an archive of nothing was unpacked")
	}
}
