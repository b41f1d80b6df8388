// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// sumsName is the name of the file with the checksums, as sha256sum --check reads them.
const sumsName = "SHA256SUMS"

// output is a directory of files with checksums.
type output struct {
	directory string
	sums      map[string]string
}

func (o *output) write(name string, data []byte) error {
	if o.sums == nil {
		o.sums = map[string]string{}
	}
	if _, exists := o.sums[name]; exists {
		return fmt.Errorf("%s is made twice", name)
	}
	sum := sha256.Sum256(data)
	o.sums[name] = hex.EncodeToString(sum[:])
	return os.WriteFile(filepath.Join(o.directory, name), data, 0o644)
}

func (o *output) writeSums() error {
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(o.sums)) {
		fmt.Fprintf(&lines, "%s  %s\n", o.sums[name], name)
	}
	return os.WriteFile(filepath.Join(o.directory, sumsName), []byte(lines.String()), 0o644)
}
