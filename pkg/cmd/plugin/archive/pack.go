// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package archive packs and unpacks the tar archives in which files travel to and from a container.
package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
)

// executable is what all files of Windows are in a container. Windows itself does not know who may execute a file.
const executable = 0o111

// Options are what packing and unpacking have in common.
type Options struct {
	// KeepOwners keeps the user and the group IDs of files. Otherwise packed files belong to root, and unpacked files to
	// the user. Only root can give files away: for other users it has no effect on unpacked files.
	KeepOwners bool
	// LeftOut is called with the name of what is no file, directory or link, and so is left out.
	LeftOut func(name string)
}

// Pack writes a file or a directory as a tar archive, in which it has the name top. With the top "." the archive has only
// what is in the directory. Links in a directory are packed as links, and nothing is read outside of it. If Pack fails, the
// archive is not complete, and what it wrote must not be taken for an archive.
func Pack(out io.Writer, source, top string, options Options) error {
	info, err := os.Lstat(source)
	if err != nil {
		return err
	}
	directory := source
	if !info.IsDir() {
		directory = filepath.Dir(source)
	}
	root, err := os.OpenRoot(directory)
	if err != nil {
		return err
	}
	defer root.Close()
	p := &packer{archive: tar.NewWriter(out), root: root, options: options}
	if !info.IsDir() {
		err = p.entry(filepath.Base(source), top)
	} else {
		err = fs.WalkDir(root.FS(), ".", func(name string, _ fs.DirEntry, err error) error {
			if err != nil || name == "." && top == "." { // the container's own directory stays as it is
				return err
			}
			return p.entry(filepath.FromSlash(name), path.Join(top, name))
		})
	}
	if err != nil {
		return err
	}
	return p.archive.Close()
}

// packer packs what is below root.
type packer struct {
	archive *tar.Writer
	root    *os.Root
	options Options
}

func (p *packer) entry(name, inArchive string) error {
	info, err := p.root.Lstat(name)
	if err != nil {
		return err
	}
	switch info.Mode().Type() {
	case 0:
		return p.file(name, inArchive)
	case fs.ModeSymlink:
		link, err := p.root.Readlink(name)
		if err != nil {
			return err
		}
		return p.header(info, inArchive, filepath.ToSlash(link))
	case fs.ModeDir:
		return p.header(info, inArchive+"/", "")
	}
	p.options.LeftOut(name)
	return nil
}

func (p *packer) file(name, inArchive string) error {
	file, err := p.root.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s was replaced while it was copied", name)
	}
	if err := p.header(info, inArchive, ""); err != nil {
		return err
	}
	// A file that grows is packed with the size that it had.
	if _, err = io.CopyN(p.archive, file, info.Size()); errors.Is(err, io.EOF) {
		return fmt.Errorf("%s became shorter while it was copied", name)
	}
	return err
}

func (p *packer) header(info fs.FileInfo, name, link string) error {
	header, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return err
	}
	header.Name = name
	header.Uname, header.Gname = "", "" // in the container they are names of others
	if !p.options.KeepOwners {
		header.Uid, header.Gid = 0, 0
	}
	if runtime.GOOS == "windows" {
		header.Mode |= executable
	}
	return p.archive.WriteHeader(header)
}
