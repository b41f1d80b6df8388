// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package content holds files on their way into archives, packages and images.
package content

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
)

// Modes of files.
const (
	Regular    fs.FileMode = 0o644
	Executable fs.FileMode = 0o755
)

// File is a file in memory.
type File struct {
	Path string // with slashes, and relative
	Mode fs.FileMode
	Data []byte
}

// Below returns the files with a directory in front of their paths.
func Below(directory string, files ...File) []File {
	moved := make([]File, len(files))
	for i, file := range files {
		file.Path = path.Join(directory, file.Path)
		moved[i] = file
	}
	return moved
}

// Sorted returns the files in the order of their paths. Two files with the same path are an error, because nobody could say
// which of them is meant.
func Sorted(files []File) ([]File, error) {
	sorted := slices.SortedFunc(slices.Values(files), func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	for i, file := range sorted {
		if !fs.ValidPath(file.Path) || file.Path == "." {
			return nil, fmt.Errorf("%q is no path of a file", file.Path)
		}
		if i > 0 && sorted[i-1].Path == file.Path {
			return nil, fmt.Errorf("there are two files %s", file.Path)
		}
	}
	return sorted, nil
}

// Read returns all files of a file system as regular ones.
func Read(from fs.FS) ([]File, error) {
	var files []File
	err := fs.WalkDir(from, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(from, path)
		files = append(files, File{Path: path, Mode: Regular, Data: data})
		return err
	})
	return files, err
}
