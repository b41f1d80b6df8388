// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// inside runs a script in a container and returns its output.
func inside(t *testing.T, name, script string) string {
	t.Helper()
	return ok(t, "exec", name, "sh", "-c", script)
}

// describe is a script that prints what is below the current directory: d/ is a directory, f=x a file, and l>x a link.
const describe = `find . | sort | while read n; do
	if [ -L $n ]; then echo "$n>$(readlink $n)"; elif [ -d $n ]; then echo $n/; else echo "$n=$(cat $n)"; fi
done`

// described describes a local directory in the same way.
func described(t *testing.T, directory string) string {
	t.Helper()
	var lines []string
	must(t, filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		must(t, err)
		name := "." + strings.TrimPrefix(path, directory)
		switch entry.Type() {
		case fs.ModeDir:
			name += "/"
		case fs.ModeSymlink:
			to, err := os.Readlink(path)
			must(t, err)
			name += ">" + to
		default:
			content, err := os.ReadFile(path)
			must(t, err)
			name += "=" + strings.TrimSpace(string(content))
		}
		lines = append(lines, name)
		return nil
	}))
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// added returns what a description has in addition to what every destination has.
func added(description string) string {
	lines := slices.DeleteFunc(strings.Fields(description), func(line string) bool {
		return slices.Contains([]string{"./", "./there/", "./file=old"}, line)
	})
	slices.Sort(lines)
	return strings.Join(lines, " ")
}

// whereDockerPuts are copies, and what there is in the destination afterwards, or the words of the refusal.
var whereDockerPuts = []struct{ flags, from, to, want, refusal string }{
	{"", "d/f", "copy", "./copy=new", ""},
	{"", "d/f", "there", "./there/f=new", ""},
	{"", "d/f", "there/", "./there/f=new", ""},
	{"", "d/f", "file", "./file=new", ""},
	{"", "d/f", "absent/", "", "there is no directory"},
	{"", "d/f", "absent/.", "", "there is no directory"},
	{"", "d/f", "absent/copy", "", "there is no"},
	{"", "d/f", "file/", "", "not a directory"},
	{"", "d/f", "file/copy", "", "not a directory"},
	{"", "d", "copy", "./copy/ ./copy/f=new ./copy/s/ ./copy/s/g=deep", ""},
	{"", "d", "copy/", "./copy/ ./copy/f=new ./copy/s/ ./copy/s/g=deep", ""},
	{"", "d/", "there", "./there/d/ ./there/d/f=new ./there/d/s/ ./there/d/s/g=deep", ""},
	{"", "d/.", "copy", "./copy/ ./copy/f=new ./copy/s/ ./copy/s/g=deep", ""},
	{"", "d/.", "there", "./there/f=new ./there/s/ ./there/s/g=deep", ""},
	{"", "d", "file", "", "a directory cannot replace it"},
	{"", "d", "absent/copy", "", "there is no"},
	{"", "d/f/", "copy", "", "not a directory"},
	{"", "absent", "copy", "", "absent"},
	{"", "lf", "copy", "./copy>d/f", ""},
	{"", "ld", "there", "./there/ld>d", ""},
	{"", "ld/", "copy", "./copy/ ./copy/f=new ./copy/s/ ./copy/s/g=deep", ""},
	{"", "dangling", "copy", "./copy>nowhere", ""},
	{"-L", "lf", "there", "./there/lf=new", ""},
	{"-L", "ld", "there", "./there/ld/ ./there/ld/f=new ./there/ld/s/ ./there/ld/s/g=deep", ""},
	{"-L", "dangling", "copy", "", "dangling"},
	{"--archive", "lf", "there", "./there/lf>d/f", ""},
}

func TestCpPutsThingsWhereDockerDoesInBothDirections(t *testing.T) {
	name, local := engine.UniqueName("cp"), t.TempDir()
	docker.Run(t, name)
	inside(t, name, "mkdir -p /src/d/s && cd /src && echo new >d/f && echo deep >d/s/g && ln -s d ld && ln -s d/f lf && ln -s nowhere dangling")
	must(t, os.MkdirAll(local+"/src/d/s", 0o755))
	must(t, os.WriteFile(local+"/src/d/f", []byte("new\n"), 0o644))
	must(t, os.WriteFile(local+"/src/d/s/g", []byte("deep\n"), 0o644))
	for link, to := range map[string]string{"ld": "d", "lf": "d/f", "dangling": "nowhere"} {
		must(t, os.Symlink(to, local+"/src/"+link))
	}
	inside(t, name, fmt.Sprintf("for i in $(seq 0 %d); do mkdir -p /$i/there; echo old >/$i/file; done", len(whereDockerPuts)))
	for i, test := range whereDockerPuts {
		directory := fmt.Sprintf("%s/%d", local, i)
		must(t, os.MkdirAll(directory+"/there", 0o755))
		must(t, os.WriteFile(directory+"/file", []byte("old\n"), 0o644))
		flags := append([]string{"cp"}, strings.Fields(test.flags)...)
		for direction, paths := range map[string][]string{
			"from": {name + ":/src/" + test.from, directory + "/" + test.to},
			"to":   {local + "/src/" + test.from, fmt.Sprintf("%s:/%d/%s", name, i, test.to)},
		} {
			arguments := append(slices.Clone(flags), paths...)
			if test.refusal != "" {
				fails(t, []string{"cannot copy " + paths[0] + " to " + paths[1] + ": ", test.refusal}, arguments...)
			} else if r := run(t, arguments...); r != (result{}) {
				t.Errorf("%s the container: %q: %+v", direction, arguments, r)
			}
		}
		if got := added(described(t, directory)); got != test.want {
			t.Errorf("cp %s %s %s from the container: %q, want %q", test.flags, test.from, test.to, got, test.want)
		}
	}
	everything := strings.Split(inside(t, name, fmt.Sprintf("for i in $(seq 0 %d); do cd /$i; %s; echo ---; done", len(whereDockerPuts), describe)), "---")
	for i, test := range whereDockerPuts {
		if got := added(everything[i]); got != test.want {
			t.Errorf("cp %s %s %s to the container: %q, want %q", test.flags, test.from, test.to, got, test.want)
		}
	}
}

func TestCpKeepsPermissionsAndTimesAndAddsNoRights(t *testing.T) {
	name, local := engine.UniqueName("cp"), t.TempDir()
	docker.Run(t, name)
	inside(t, name, "mkdir -m 750 /d && echo x >/d/f && chmod 4711 /d/f && chown 12:34 /d/f && touch -d '2001-02-03 04:05:06' /d/f /d")
	want := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	ok(t, "cp", name+":/d", local)
	for path, mode := range map[string]fs.FileMode{"d": fs.ModeDir | 0o750, "d/f": 0o711} {
		info, err := os.Stat(filepath.Join(local, path))
		if err != nil || info.Mode() != mode || !info.ModTime().Equal(want) {
			t.Errorf("%s: %v %v, want %v: %v", path, info.Mode(), info.ModTime(), mode, err)
		}
	}
	must(t, os.Chown(filepath.Join(local, "d", "f"), 56, 78))
	ok(t, "cp", local+"/d", name+":/copy")
	ok(t, "cp", "-a", local+"/d", name+":/archive")
	const asked = "stat -c '%a %u:%g %Y'"
	if got, want := inside(t, name, asked+" /copy/f /archive/f /copy"), "711 0:0 981173106\n711 56:78 981173106\n750 0:0 981173106\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	ok(t, "cp", "-a", name+":/d/f", local+"/owned")
	ok(t, "cp", name+":/d/f", local+"/mine")
	for file, owner := range map[string]uint32{"owned": 12, "mine": 0} {
		if got := ownerOf(t, filepath.Join(local, file)); got != owner {
			t.Errorf("%s belongs to %d", file, got)
		}
	}
}

func TestLinksNeverLeadACopyOutOfTheTarget(t *testing.T) {
	name, local := engine.UniqueName("cp"), t.TempDir()
	docker.Run(t, name)
	secret := filepath.Join(local, "outside", "secret")
	must(t, os.MkdirAll(filepath.Dir(secret), 0o755))
	must(t, os.WriteFile(secret, []byte("unharmed\n"), 0o644))

	// The copy of a link stays a link. The next copy has a directory and a file in its place.
	inside(t, name, fmt.Sprintf("mkdir /d && ln -s ../outside /d/relative && ln -s %s /d/absolute && ln -s ../outside/secret /d/file", filepath.Dir(secret)))
	ok(t, "cp", name+":/d", local)
	inside(t, name, "rm /d/* && mkdir /d/relative /d/absolute && echo evil | tee /d/relative/secret /d/absolute/secret >/d/file")
	fails(t, []string{"cannot copy"}, "cp", name+":/d", local)
	if got := described(t, local); !strings.HasSuffix(got, "\n./outside/\n./outside/secret=unharmed") {
		t.Error(got)
	}

	// What a local link leads to is not copied, only the link.
	must(t, os.Mkdir(filepath.Join(local, "up"), 0o755))
	must(t, os.Symlink("../outside", filepath.Join(local, "up", "relative")))
	must(t, os.Symlink(secret, filepath.Join(local, "up", "absolute")))
	ok(t, "cp", local+"/up", name+":/up")
	if got := inside(t, name, "cd /up; "+describe); got != "./\n./absolute>"+secret+"\n./relative>../outside\n" {
		t.Errorf("%q", got)
	}
}

func TestCpStreamsAnArchive(t *testing.T) {
	name := engine.UniqueName("cp")
	docker.Run(t, name)
	inside(t, name, "mkdir -p /d/s /to && echo x >/d/s/f")
	archive := ok(t, "cp", name+":/d", "-")
	var names []string
	for reader := tar.NewReader(strings.NewReader(archive)); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		names = append(names, header.Name)
	}
	if want := []string{"d/", "d/s/", "d/s/f"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
	if r := runWithInput(t, archive, "cp", "-", name+":/to"); r != (result{}) {
		t.Errorf("%+v", r)
	}
	if got := inside(t, name, "cd /to; "+describe); got != "./\n./d/\n./d/s/\n./d/s/f=x\n" {
		t.Errorf("%q", got)
	}
	for to, words := range map[string]string{"/absent": `there is no "/absent" in the container`, "/d/s/f": `"/d/s/f" is not a directory`, "/to": "the input is no tar archive"} {
		r := runWithInput(t, "this is no archive", "cp", "-", name+":"+to)
		if r.code != 1 || r.stdout != "" || !strings.HasPrefix(r.stderr, "error: cannot copy - to "+name+":"+to+": "+words) || strings.Count(r.stderr, "\n") != 1 {
			t.Errorf("%+v", r)
		}
	}
}

func TestCpOfABigFileIsWholeAndTheContainerNeedNotRun(t *testing.T) {
	name, local := engine.UniqueName("stopped"), t.TempDir()
	docker.Create(t, name)
	big := bytes.Repeat([]byte("0123456789abcdef"), 4<<20)
	must(t, os.WriteFile(local+"/big", big, 0o600))
	ok(t, "cp", local+"/big", name+":/big")
	ok(t, "cp", name+":/big", local+"/back")
	back, err := os.ReadFile(local + "/back")
	if err != nil || !bytes.Equal(back, big) {
		t.Errorf("%d bytes of %d: %v", len(back), len(big), err)
	}
}

func TestCpSaysWhatItLeavesOut(t *testing.T) {
	name, local := engine.UniqueName("cp"), t.TempDir()
	docker.Run(t, name)
	inside(t, name, "mkdir /d && mkfifo /d/pipe && echo x >/d/f")
	if r := run(t, "cp", name+":/d", local); r != (result{stderr: "left out d/pipe, which is no file, directory or link\n"}) {
		t.Errorf("%+v", r)
	}
	if got := described(t, local); got != "./\n./d/\n./d/f=x" {
		t.Errorf("%q", got)
	}
	fails(t, []string{"pipe is no file, directory or link"}, "cp", name+":/d/pipe", local)
	fails(t, []string{"neither a directory nor a regular file"}, "cp", local+"/d/f", name+":/d/pipe")
	fails(t, []string{"neither a directory nor a regular file"}, "cp", name+":/d/f", "/dev/null")
}

func TestCpRefusesWhatNamesNoCopyOnOneLine(t *testing.T) {
	for line, words := range map[string]string{
		"cp":                "needs what to copy and where to",
		"cp a":              "needs what to copy and where to",
		"cp a b":            "neither a nor b is in a container",
		"cp - -":            "neither - nor - is in a container",
		"cp ./a:b /c:d":     "neither ./a:b nor /c:d is in a container",
		"cp a:/b c:/d":      "copying between containers is not supported",
		"cp web: .":         "a path is empty",
		"cp absent:/x .":    "no such container: absent",
		"cp . absent:/x":    "no such container: absent",
		"cp - absent:/x":    "no such container: absent",
		"cp absent:/x -":    "no such container: absent",
		"cp no-file web:/x": "no-file: no such file or directory",
	} {
		fails(t, []string{words}, strings.Fields(line)...)
	}
}
