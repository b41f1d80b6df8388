// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package archive writes archives that depend on nothing but their files and one time: the order in which the files are given,
// the machine and its user do not matter.
package archive

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/hack/dist/content"
)

// TarGz writes a compressed tar archive. It has no entries for directories.
func TarGz(to io.Writer, files []content.File, modified time.Time) error {
	compressed := gzip.NewWriter(to)
	if err := writeTar(compressed, files, modified, false); err != nil {
		return err
	}
	return compressed.Close()
}

// Tar writes a tar archive with an entry for each directory before what is in it.
func Tar(to io.Writer, files []content.File, modified time.Time) error {
	return writeTar(to, files, modified, true)
}

func writeTar(to io.Writer, files []content.File, modified time.Time, directories bool) error {
	files, err := content.Sorted(files)
	if err != nil {
		return err
	}
	writer := tar.NewWriter(to)
	made := map[string]bool{".": true}
	for _, file := range files {
		if directories {
			for _, directory := range parents(file.Path) {
				if made[directory] {
					continue
				}
				made[directory] = true
				header := &tar.Header{Typeflag: tar.TypeDir, Name: directory + "/", Mode: 0o755, ModTime: modified}
				if err := writer.WriteHeader(header); err != nil {
					return err
				}
			}
		}
		header := &tar.Header{Typeflag: tar.TypeReg, Name: file.Path, Mode: int64(file.Mode.Perm()), Size: int64(len(file.Data)), ModTime: modified}
		if err := writer.WriteHeader(header); err != nil {
			return fmt.Errorf("archiving %s: %w", file.Path, err)
		}
		if _, err := writer.Write(file.Data); err != nil {
			return fmt.Errorf("archiving %s: %w", file.Path, err)
		}
	}
	return writer.Close()
}

// parents returns the directories that a path is in, the outermost first.
func parents(name string) []string {
	var all []string
	for directory := path.Dir(name); directory != "."; directory = path.Dir(directory) {
		all = append(all, directory)
	}
	slices.Reverse(all)
	return all
}

// Zip writes a zip archive.
func Zip(to io.Writer, files []content.File, modified time.Time) error {
	files, err := content.Sorted(files)
	if err != nil {
		return err
	}
	writer := zip.NewWriter(to)
	for _, file := range files {
		header := &zip.FileHeader{Name: file.Path, Method: zip.Deflate, Modified: modified.UTC()}
		header.SetMode(file.Mode & fs.ModePerm)
		entry, err := writer.CreateHeader(header)
		if err != nil {
			return fmt.Errorf("archiving %s: %w", file.Path, err)
		}
		if _, err := entry.Write(file.Data); err != nil {
			return fmt.Errorf("archiving %s: %w", file.Path, err)
		}
	}
	return writer.Close()
}
