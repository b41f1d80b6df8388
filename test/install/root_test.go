// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package install_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// root is the directory of a file system that has nothing but a shell, and no installed package.
type root string

func newRoot(directory string) (root, error) {
	r := root(directory)
	for _, name := range []string{"/bin", "/etc", "/home/user", "/run", "/tmp", "/var/lib/dpkg/info", "/var/lib/dpkg/updates", "/var/log"} {
		if err := os.MkdirAll(r.path(name), 0o755); err != nil {
			return r, err
		}
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return r, err
	}
	program, err := os.ReadFile(busybox)
	if err != nil {
		return r, err
	}
	for name, content := range map[string]string{
		"/bin/busybox": string(program), "/var/lib/dpkg/status": "",
		"/etc/passwd": "root:x:0:0::/root:/bin/sh\n", "/etc/group": "root:x:0:\n",
	} {
		if err := os.WriteFile(r.path(name), []byte(content), 0o755); err != nil {
			return r, err
		}
	}
	for link, target := range map[string]string{"/bin/sh": "busybox", "/bin/rm": "busybox", "/var/run": "/run"} {
		if err := os.Symlink(target, r.path(link)); err != nil {
			return r, err
		}
	}
	return r, nil
}

// path returns the path by which this process reaches a file of the root.
func (r root) path(name string) string { return filepath.Join(string(r), name) }

// dpkg runs dpkg, which runs the scripts of packages inside of the root.
func (r root) dpkg(arguments ...string) error {
	command := exec.Command("dpkg", append([]string{"--root=" + string(r)}, arguments...)...)
	command.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/local/sbin:/usr/sbin:/sbin", "LC_ALL=C")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("dpkg %v: %w\n%s", arguments, err, output)
	}
	return nil
}

// install installs the package of the release.
func (r root) install() error {
	deb, err := find("engine-apiserver_*.deb")
	if err != nil {
		return err
	}
	return r.dpkg("--install", deb)
}
