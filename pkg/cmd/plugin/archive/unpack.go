// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"archive/tar"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Place is where something is unpacked.
type Place struct {
	// Directory is there already.
	Directory string
	// Name is the name that the file or directory gets in it. If the name is ".", what is in the archive's directory is
	// put into Directory itself.
	Name string
}

// Unpack unpacks an archive of one file or directory. It calls place when it knows which of them it is. Files are replaced
// as soon as the new ones are complete, and directories are merged. A file never replaces a directory, nor a directory
// anything else.
//
// Nothing is written outside of the unpacked directory: not by "..", not by an absolute name, and not through a link,
// whether the link was there before or comes from the archive. Links themselves are unpacked, wherever they lead.
// Permissions and times are kept, but no set-user-ID, set-group-ID and sticky bits. Devices, pipes and sockets are left out.
func Unpack(content io.Reader, place func(isDirectory bool) (Place, error), options Options) error {
	reader := tar.NewReader(content)
	first, err := next(reader)
	if errors.Is(err, io.EOF) {
		return errors.New("the archive is empty")
	}
	if err != nil {
		return err
	}
	isDirectory := first.Typeflag == tar.TypeDir
	to, err := place(isDirectory)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(to.Directory)
	if err != nil {
		return err
	}
	defer root.Close()
	u := &unpacker{content: reader, top: clean(first.Name), root: root, options: options}
	if isDirectory {
		err = u.tree(first, to.Name)
	} else {
		err = u.single(first, to.Name)
	}
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, content) // whether it ends well is known at its end
	return err
}

// next returns the next header that stands for something.
func next(reader *tar.Reader) (*tar.Header, error) {
	for {
		header, err := reader.Next()
		if err != nil || header.Typeflag != tar.TypeXGlobalHeader {
			return header, err
		}
	}
}

// clean returns a name of an archive without the slashes around it.
func clean(name string) string { return path.Clean(strings.TrimLeft(name, "/")) }

// unpacker unpacks an archive of what is called top in the archive.
type unpacker struct {
	content *tar.Reader
	top     string
	root    *os.Root
	options Options
	// directories get their owners, permissions and times at the end: until then things are made in them.
	directories []entry
}

// entry is a thing that was unpacked.
type entry struct {
	name   string
	header *tar.Header
}

// single unpacks an archive of one thing that is no directory.
func (u *unpacker) single(header *tar.Header, name string) error {
	isKnown, err := u.unpack(header, name)
	if err != nil {
		return err
	}
	if !isKnown {
		return fmt.Errorf("%s is no file, directory or link", header.Name)
	}
	switch extra, err := next(u.content); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	default:
		return fmt.Errorf("the archive of a file also has %q", extra.Name)
	}
}

// tree unpacks an archive of a directory.
func (u *unpacker) tree(header *tar.Header, name string) error {
	if name != "." {
		// From here on the new directory is the root: a link in it must not lead to what is beside it.
		parent := u.root
		if err := makeDirectory(parent, name); err != nil {
			return err
		}
		root, err := parent.OpenRoot(name)
		if err != nil {
			return err
		}
		defer root.Close()
		u.root = root
		u.directories = append(u.directories, entry{".", header})
	}
	for {
		header, err := next(u.content)
		if errors.Is(err, io.EOF) {
			return u.finish()
		}
		if err != nil {
			return err
		}
		below, err := u.below(header.Name)
		if err != nil {
			return err
		}
		isKnown, err := u.unpack(header, below)
		if err != nil {
			return fmt.Errorf("%s: %w", header.Name, err)
		}
		if !isKnown {
			u.options.LeftOut(header.Name)
		}
	}
}

// below returns the local name of what has that name in the archive.
func (u *unpacker) below(name string) (string, error) {
	below, isBelow := clean(name), true
	switch {
	case below == u.top:
		below = "."
	case u.top != ".":
		below, isBelow = strings.CutPrefix(below, u.top+"/")
	}
	local, err := filepath.Localize(below)
	if err != nil || !isBelow {
		return "", fmt.Errorf("the archive has the name %q, which cannot be unpacked in the target", name)
	}
	return local, nil
}

// unpack unpacks one thing, and returns false if it must be left out.
func (u *unpacker) unpack(header *tar.Header, name string) (isKnown bool, err error) {
	switch header.Typeflag {
	case tar.TypeDir:
		u.directories = append(u.directories, entry{name, header})
		return true, makeDirectory(u.root, name)
	case tar.TypeReg, tar.TypeGNUSparse:
		return true, u.put(name, func(temporary string) error { return u.file(temporary, header) })
	case tar.TypeSymlink:
		return true, u.put(name, func(temporary string) error {
			if err := u.root.Symlink(filepath.FromSlash(header.Linkname), temporary); err != nil {
				return err
			}
			return u.giveAway(temporary, header)
		})
	case tar.TypeLink:
		to, err := u.below(header.Linkname)
		if err != nil {
			return true, err
		}
		return true, u.put(name, func(temporary string) error { return u.root.Link(to, temporary) })
	}
	return false, nil
}

// makeDirectory makes a directory and those above it, if they are not there.
func makeDirectory(root *os.Root, name string) error {
	if found, err := root.Lstat(name); err == nil && !found.IsDir() {
		return fmt.Errorf("%s is no directory, and is not replaced by one", filepath.Join(root.Name(), name))
	}
	return root.MkdirAll(name, 0o700)
}

// put gives a name to what make makes under another name. So a thing is either complete or not there, and what had the name
// before is never written to.
func (u *unpacker) put(name string, make func(temporary string) error) error {
	switch found, err := u.root.Lstat(name); {
	case errors.Is(err, fs.ErrNotExist):
		if err := u.root.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			return err
		}
	case err != nil:
		return err
	case found.IsDir():
		return fmt.Errorf("%s is a directory, and is replaced by nothing else", filepath.Join(u.root.Name(), name))
	}
	temporary := filepath.Join(filepath.Dir(name), ".kubectl-engine-"+rand.Text())
	defer func() { _ = u.root.Remove(temporary) }() // it is there only if something failed
	if err := make(temporary); err != nil {
		return err
	}
	return u.root.Rename(temporary, name)
}

func (u *unpacker) file(name string, header *tar.Header) error {
	file, err := u.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, u.content)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	return u.attributes(entry{name, header})
}

// finish gives the directories their attributes, the deepest first.
func (u *unpacker) finish() error {
	for _, directory := range slices.Backward(u.directories) {
		if err := u.attributes(directory); err != nil {
			return err
		}
	}
	return nil
}

// attributes gives a file or a directory its owner, permissions and time.
func (u *unpacker) attributes(of entry) error {
	if err := u.giveAway(of.name, of.header); err != nil {
		return err
	}
	if err := u.root.Chmod(of.name, of.header.FileInfo().Mode().Perm()); err != nil {
		return err
	}
	return u.root.Chtimes(of.name, time.Time{}, of.header.ModTime)
}

// giveAway gives a thing its owner, if that is to be kept and the user is root.
func (u *unpacker) giveAway(name string, header *tar.Header) error {
	if !u.options.KeepOwners || os.Geteuid() != 0 {
		return nil
	}
	return u.root.Lchown(name, header.Uid, header.Gid)
}
