// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// expectErrors compares errors with their wanted types and fields, such as "FieldValueInvalid limitBytes".
func expectErrors(t *testing.T, what string, errs field.ErrorList, want ...string) {
	t.Helper()
	var got []string
	for _, err := range errs {
		got = append(got, string(err.Type)+" "+err.Field)
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("%s: %v, want %v", what, errs, want)
	}
}

func TestSenselessLogOptionsAreRefused(t *testing.T) {
	for what, test := range map[string]struct {
		options v1alpha1.ContainerLogOptions
		want    []string
	}{
		"no options":               {},
		"all that go together":     {options: v1alpha1.ContainerLogOptions{Follow: true, SinceSeconds: ptr.To[int64](1), Timestamps: true, TailLines: ptr.To[int64](0), LimitBytes: ptr.To[int64](1), Stream: "All"}},
		"times to the nanosecond":  {options: v1alpha1.ContainerLogOptions{SinceTime: "2026-01-02T03:04:05.123456789Z", UntilTime: "2026-01-02T04:04:05.123456789+01:00"}},
		"sinceSeconds 0":           {v1alpha1.ContainerLogOptions{SinceSeconds: ptr.To[int64](0)}, []string{"FieldValueInvalid sinceSeconds"}},
		"too many sinceSeconds":    {v1alpha1.ContainerLogOptions{SinceSeconds: ptr.To[int64](1 << 40)}, []string{"FieldValueInvalid sinceSeconds"}},
		"tailLines below 0":        {v1alpha1.ContainerLogOptions{TailLines: ptr.To[int64](-1)}, []string{"FieldValueInvalid tailLines"}},
		"limitBytes 0":             {v1alpha1.ContainerLogOptions{LimitBytes: ptr.To[int64](0)}, []string{"FieldValueInvalid limitBytes"}},
		"sinceTime is no time":     {v1alpha1.ContainerLogOptions{SinceTime: "1h"}, []string{"FieldValueInvalid sinceTime"}},
		"untilTime is no time":     {v1alpha1.ContainerLogOptions{UntilTime: "2026-01-02"}, []string{"FieldValueInvalid untilTime"}},
		"two ways to say since":    {v1alpha1.ContainerLogOptions{SinceSeconds: ptr.To[int64](1), SinceTime: "2026-01-02T03:04:05Z"}, []string{"FieldValueForbidden sinceSeconds"}},
		"until before since":       {v1alpha1.ContainerLogOptions{SinceTime: "2026-01-02T03:04:05.000000002Z", UntilTime: "2026-01-02T03:04:05.000000001Z"}, []string{"FieldValueInvalid untilTime"}},
		"stream in lower case":     {v1alpha1.ContainerLogOptions{Stream: "stdout"}, []string{"FieldValueNotSupported stream"}},
		"the tail of one output":   {v1alpha1.ContainerLogOptions{Stream: "Stdout", TailLines: ptr.To[int64](1)}, []string{"FieldValueForbidden tailLines"}},
		"one output from its head": {options: v1alpha1.ContainerLogOptions{Stream: "Stderr", LimitBytes: ptr.To[int64](1)}},
	} {
		expectErrors(t, what, ValidateContainerLogOptions(&test.options), test.want...)
	}
}

func TestSinceTimeKeepsNanoseconds(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	since, until := LogTimes(&v1alpha1.ContainerLogOptions{SinceTime: "2026-01-02T03:04:05.123456789Z", UntilTime: "2026-01-02T04:04:05.987654321+01:00"}, now)
	if since.Nanosecond() != 123456789 || !until.Equal(time.Date(2026, 1, 2, 3, 4, 5, 987654321, time.UTC)) {
		t.Errorf("from %s until %s", since, until)
	}
	since, until = LogTimes(&v1alpha1.ContainerLogOptions{SinceSeconds: ptr.To[int64](5)}, now)
	if !since.Equal(now.Add(-5*time.Second)) || !until.IsZero() {
		t.Errorf("from %s until %s", since, until)
	}
}

func TestSenselessExecOptionsAreRefused(t *testing.T) {
	for what, test := range map[string]struct {
		options v1alpha1.ContainerExecOptions
		want    []string
	}{
		"a command":                 {options: v1alpha1.ContainerExecOptions{Command: []string{"sh", ""}, Stdout: true, Stderr: true}},
		"a terminal":                {options: v1alpha1.ContainerExecOptions{Command: []string{"sh"}, Stdin: true, Stdout: true, TTY: true}},
		"variables":                 {options: v1alpha1.ContainerExecOptions{Command: []string{"sh"}, Stdin: true, Env: []string{"A=", "B=a=b"}}},
		"tty with stderr":           {v1alpha1.ContainerExecOptions{Command: []string{"sh"}, Stderr: true, TTY: true}, []string{"FieldValueForbidden stderr"}},
		"no command":                {v1alpha1.ContainerExecOptions{Stdout: true}, []string{"FieldValueRequired command"}},
		"an empty program":          {v1alpha1.ContainerExecOptions{Command: []string{"", "x"}, Stdout: true}, []string{"FieldValueRequired command"}},
		"no stream":                 {v1alpha1.ContainerExecOptions{Command: []string{"sh"}}, []string{"FieldValueRequired stdout"}},
		"a variable without value":  {v1alpha1.ContainerExecOptions{Command: []string{"sh"}, Stdout: true, Env: []string{"A=1", "B"}}, []string{"FieldValueInvalid env[1]"}},
		"a variable without name":   {v1alpha1.ContainerExecOptions{Command: []string{"sh"}, Stdout: true, Env: []string{"=1"}}, []string{"FieldValueInvalid env[0]"}},
		"a zero byte in argument 1": {v1alpha1.ContainerExecOptions{Command: []string{"sh", "\x00"}, Stdout: true}, []string{"FieldValueInvalid command[1]"}},
		"a zero byte in the user":   {v1alpha1.ContainerExecOptions{Command: []string{"sh"}, Stdout: true, User: "\x00"}, []string{"FieldValueInvalid user"}},
	} {
		expectErrors(t, what, ValidateContainerExecOptions(&test.options), test.want...)
	}
}

func TestAMistakeInAVariableDoesNotTellItsValue(t *testing.T) {
	errs := ValidateContainerExecOptions(&v1alpha1.ContainerExecOptions{Command: []string{"sh"}, Stdout: true, Env: []string{"=secret", "A=secret\x00"}})
	if text := errs.ToAggregate().Error(); len(errs) != 2 || strings.Contains(text, "secret") {
		t.Error(text)
	}
}

func TestSenselessOptionsOfOtherStreamsAreRefused(t *testing.T) {
	expectErrors(t, "attach", ValidateContainerAttachOptions(&v1alpha1.ContainerAttachOptions{Stdout: true, Stderr: true, Logs: true}))
	expectErrors(t, "attach with tty and stderr", ValidateContainerAttachOptions(&v1alpha1.ContainerAttachOptions{Stderr: true, TTY: true}), "FieldValueForbidden stderr")
	expectErrors(t, "attach to nothing", ValidateContainerAttachOptions(&v1alpha1.ContainerAttachOptions{TTY: true}), "FieldValueRequired stdout")

	expectErrors(t, "ports over SPDY", ValidateContainerPortForwardOptions(&v1alpha1.ContainerPortForwardOptions{}))
	expectErrors(t, "ports", ValidateContainerPortForwardOptions(&v1alpha1.ContainerPortForwardOptions{Ports: []int32{1, 65535, 0, 65536, 1}}),
		"FieldValueInvalid ports[2]", "FieldValueInvalid ports[3]", "FieldValueDuplicate ports[4]")

	for _, one := range []v1alpha1.ContainerArchiveOptions{{Stdin: true}, {Stdout: true}, {Stat: true}} {
		one.Path = "/"
		expectErrors(t, "archive", ValidateContainerArchiveOptions(&one))
	}
	expectErrors(t, "archive of nothing", ValidateContainerArchiveOptions(&v1alpha1.ContainerArchiveOptions{Stdout: true}), "FieldValueRequired path")
	expectErrors(t, "archive of a zero byte", ValidateContainerArchiveOptions(&v1alpha1.ContainerArchiveOptions{Path: "\x00", Stdout: true}), "FieldValueInvalid path")
	expectErrors(t, "archive both ways", ValidateContainerArchiveOptions(&v1alpha1.ContainerArchiveOptions{Path: "/", Stdin: true, Stdout: true}), "FieldValueRequired stdout")
	expectErrors(t, "archive no way", ValidateContainerArchiveOptions(&v1alpha1.ContainerArchiveOptions{Path: "/"}), "FieldValueRequired stdout")

}

func TestNoArgumentsForPsShowTheEnvironment(t *testing.T) {
	for _, args := range []string{"", "-ef", "-e", "-F", "-elf", "aux", "-aux", "-o pid,args", "-eo pid,%cpu,user"} {
		expectErrors(t, args, ValidateContainerTopOptions(&v1alpha1.ContainerTopOptions{PSArgs: args}))
	}
	for _, args := range []string{"e", "auxe", "-auxe", "-ef e", "aux -ef", "-o pid,environ", "-o pid -o args", "-o pid e", "o pid", "-O e", "-ef\x00", "-ef ", "\n-ef", "--help"} {
		expectErrors(t, args, ValidateContainerTopOptions(&v1alpha1.ContainerTopOptions{PSArgs: args}), "FieldValueInvalid psArgs")
	}
}

func TestSignalsAreNamesOrNumbers(t *testing.T) {
	for _, signal := range []string{"", "SIGKILL", "hup", "9", "SIGRTMIN+3", "RTMAX-1"} {
		expectErrors(t, signal, ValidateContainerKill(&v1alpha1.ContainerKill{Signal: signal}))
	}
	for _, signal := range []string{"-9", "SIG KILL", "9&x=y", "é", "KILL+"} {
		expectErrors(t, signal, ValidateContainerKill(&v1alpha1.ContainerKill{Signal: signal}), "FieldValueInvalid signal")
	}
}

func TestNewNamesAreThoseThatDockerTakes(t *testing.T) {
	for _, name := range []string{"ab", "My_Name", "0.a-b"} {
		expectErrors(t, name, ValidateContainerRename(&v1alpha1.ContainerRename{NewName: name}))
	}
	for _, name := range []string{"a", "-ab", "a/b", "a b", "..", "é1"} {
		expectErrors(t, name, ValidateContainerRename(&v1alpha1.ContainerRename{NewName: name}), "FieldValueInvalid newName")
	}
	expectErrors(t, "no name", ValidateContainerRename(&v1alpha1.ContainerRename{}), "FieldValueRequired newName")
}
