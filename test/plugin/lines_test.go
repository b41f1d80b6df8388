// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

// badInput is what cannot be done, and the line that the user reads. MADE was never started, EXITED has ended, PAUSED is
// paused, RESTARTING ends again and again, and RUNNING runs without an open stdin and without a terminal. <ID> is the ID of
// the container as ps shows it. The words behind it are Docker's.
var badInput = []struct{ line, want string }{
	{"exec MADE true", "cannot execute a command in MADE: Container <ID> is not running"},
	{"exec EXITED true", "cannot execute a command in EXITED: Container <ID> is not running"},
	{"exec PAUSED true", "cannot execute a command in PAUSED: Container <ID> is paused, unpause the container before exec"},
	{"exec RESTARTING true", "cannot execute a command in RESTARTING: Container <ID> is restarting, wait until the container is running"},
	{"exec -it RUNNING true", "the input device is not a TTY: leave out -t"},
	{"exec RUNNING", "kubectl engine exec needs the name or the ID of a container, and a command"},
	{"exec -e =x RUNNING true", "cannot execute a command in RUNNING: env[0]: Invalid value: must be NAME=VALUE"},

	{"attach MADE", "cannot attach to MADE: cannot attach to a stopped container, start it first"},
	{"attach EXITED", "cannot attach to EXITED: cannot attach to a stopped container, start it first"},
	{"attach PAUSED", "cannot attach to PAUSED: cannot attach to a paused container, unpause it first"},
	{"attach RESTARTING", "cannot attach to RESTARTING: cannot attach to a restarting container, wait until it is running"},

	{"port-forward MADE :80", "cannot forward ports to MADE: the container is not running, so that nothing listens on its ports"},
	{"port-forward EXITED :80", "cannot forward ports to EXITED: the container is not running, so that nothing listens on its ports"},
	{"port-forward PAUSED :80", "cannot forward ports to PAUSED: the container is paused, so that nothing answers on its ports: unpause it first"},
	{"port-forward RESTARTING :80", "cannot forward ports to RESTARTING: the container is not running, so that nothing listens on its ports"},
	{"port-forward RUNNING 80:", `"80:" is no port: write PORT, LOCAL_PORT:PORT or :PORT, with ports from 1 to 65535`},
	{"port-forward RUNNING :0", `":0" is no port: write PORT, LOCAL_PORT:PORT or :PORT, with ports from 1 to 65535`},
	{"port-forward RUNNING 1:65536", `"1:65536" is no port: write PORT, LOCAL_PORT:PORT or :PORT, with ports from 1 to 65535`},
	{"port-forward RUNNING http", `"http" is no port: write PORT, LOCAL_PORT:PORT or :PORT, with ports from 1 to 65535`},

	{"top MADE", "cannot list the processes of MADE: Container <ID> is not running"},
	{"top RESTARTING", "cannot list the processes of RESTARTING: Container <ID> is restarting, wait until the container is running"},
	{"top RUNNING -o nothing", `cannot list the processes of RUNNING: ps: error: unknown user-defined format specifier "nothing"`},
	{"kill MADE", "cannot kill MADE: Container <ID> is not running"},

	{"cp RUNNING:/absent .", `cannot copy RUNNING:/absent to .: there is no "/absent" in the container`},
	{"cp RUNNING:/absent -", `cannot copy RUNNING:/absent to -: there is no "/absent" in the container`},
	{"cp -L RUNNING:/absent .", `cannot copy RUNNING:/absent to .: there is no "/absent" in the container`},
	{"cp MADE:/absent .", `cannot copy MADE:/absent to .: there is no "/absent" in the container`},
	{"cp RUNNING:/bin/busybox/ .", `cannot copy RUNNING:/bin/busybox/ to .: "/bin/busybox/": not a directory`},
	{"cp RUNNING:/bin FILE", "cannot copy RUNNING:/bin to FILE: FILE is a file, and a directory cannot replace it"},
	{"cp RUNNING:/bin/sh absent/", "cannot copy RUNNING:/bin/sh to absent/: there is no directory absent/"},
	{"cp RUNNING:/bin absent/copy", "cannot copy RUNNING:/bin to absent/copy: there is no directory absent"},
	{"cp FILE RUNNING:/absent/", "cannot copy FILE to RUNNING:/absent/: there is no directory /absent/ in the container"},
	{"cp FILE RUNNING:/absent/copy", `cannot copy FILE to RUNNING:/absent/copy: there is no "/absent" in the container`},
	{"cp DIRECTORY RUNNING:/bin/busybox", "cannot copy DIRECTORY to RUNNING:/bin/busybox: /bin/busybox is a file in the container, and a directory cannot replace it"},
	{"cp - RUNNING:/bin/busybox", `cannot copy - to RUNNING:/bin/busybox: "/bin/busybox" is not a directory, so that nothing can be unpacked in it`},
	{"cp absent RUNNING:/", "cannot copy absent to RUNNING:/: lstat absent: no such file or directory"},
}

func TestBadInputIsOneClearLine(t *testing.T) {
	names, ids := map[string]string{}, map[string]string{}
	for word, options := range map[string][]engine.ContainerOption{
		"MADE": nil, "RUNNING": nil, "PAUSED": nil,
		"EXITED": {engine.Command("true")},
		"RESTARTING": {engine.Command("false"), func(_ *container.Config, host *container.HostConfig) {
			host.RestartPolicy = container.RestartPolicy{Name: container.RestartPolicyAlways}
		}},
	} {
		names[word] = engine.UniqueName(strings.ToLower(word))
		if word == "MADE" {
			ids[word] = docker.Create(t, names[word], options...)
		} else {
			ids[word] = docker.Run(t, names[word], options...)
		}
	}
	ok(t, "pause", names["PAUSED"])
	ok(t, "wait", names["EXITED"])
	directory := t.TempDir()
	file := directory + "/file"
	must(t, os.WriteFile(file, nil, 0o644))
	for _, test := range badInput {
		word := regexp.MustCompile(`MADE|EXITED|PAUSED|RESTARTING|RUNNING`).FindString(test.line)
		fill := strings.NewReplacer(word, names[word], "<ID>", ids[word][:12], "FILE", file, "DIRECTORY", directory)
		arguments := strings.Fields(fill.Replace(test.line))
		want := result{stderr: "error: " + fill.Replace(test.want) + "\n", code: 1}
		if word == "RESTARTING" { // between two runs it runs for a moment
			kubectl.Eventually(t, test.line+" is refused", func() bool { return run(t, arguments...) == want })
		} else if r := run(t, arguments...); r != want {
			t.Errorf("%s: %+v, want %+v", test.line, r, want)
		}
	}
}

func TestACommandThatIsNotThereIsOneLineAndDockersExitCode(t *testing.T) {
	name := engine.UniqueName("exec")
	docker.Run(t, name)
	for _, program := range []string{"no-such-program", "/bin", "/no/such/program"} {
		r := run(t, "exec", name, program)
		printed := strings.TrimSpace(r.stdout + r.stderr)
		if r.code != 126 && r.code != 127 || strings.Contains(printed, "\n") || !strings.Contains(printed, program) {
			t.Errorf("%s: %+v", program, r)
		}
	}
}
