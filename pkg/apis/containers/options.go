// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// maxSeconds is how many seconds a time.Duration can hold. A larger number overflows to a time in the past.
const maxSeconds = int64(math.MaxInt64 / time.Second)

var (
	logStreams = []string{v1alpha1.LogStreamAll, v1alpha1.LogStreamStdout, v1alpha1.LogStreamStderr}

	// signalGrammar has the names and numbers of signals, such as SIGKILL, kill, 9 and RTMIN+3. Docker decides which of
	// them there are.
	signalGrammar = regexp.MustCompile(`^[A-Za-z0-9]+([+-][0-9]+)?$`)
	// psGrammar has the arguments for ps that are allowed. Others could show the environment of processes. An option that
	// ps does not understand makes it read all options in the style of BSD, where e shows the environment.
	psGrammar = regexp.MustCompile(`^(-e|-e?[fFl]|-e?lf|-?aux|-e?o [a-z_%]+(,[a-z_%]+)*)$`)
	// nameGrammar is Docker's grammar for the names of containers.
	nameGrammar = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]+$`)
)

// ValidateContainerLogOptions returns the errors of the options for a container's log.
func ValidateContainerLogOptions(options *v1alpha1.ContainerLogOptions) field.ErrorList {
	var errs field.ErrorList
	errs = append(errs, validateNumber("sinceSeconds", options.SinceSeconds, 1, maxSeconds)...)
	errs = append(errs, validateNumber("tailLines", options.TailLines, 0, math.MaxInt64)...)
	errs = append(errs, validateNumber("limitBytes", options.LimitBytes, 1, math.MaxInt64)...)
	since, sinceErrs := parseTime("sinceTime", options.SinceTime)
	until, untilErrs := parseTime("untilTime", options.UntilTime)
	errs = append(append(errs, sinceErrs...), untilErrs...)
	if options.SinceSeconds != nil && options.SinceTime != "" {
		errs = append(errs, field.Forbidden(field.NewPath("sinceSeconds"), "cannot be combined with sinceTime"))
	}
	if !since.IsZero() && !until.IsZero() && until.Before(since) {
		errs = append(errs, field.Invalid(field.NewPath("untilTime"), options.UntilTime, "must not be before sinceTime"))
	}
	if options.Stream != "" && !slices.Contains(logStreams, options.Stream) {
		errs = append(errs, field.NotSupported(field.NewPath("stream"), options.Stream, logStreams))
	}
	if options.TailLines != nil && options.Stream != "" && options.Stream != v1alpha1.LogStreamAll {
		errs = append(errs, field.Forbidden(field.NewPath("tailLines"),
			"counts the lines of both outputs, and cannot be combined with one of them in stream"))
	}
	return errs
}

// LogTimes returns the times from which and until which options ask for a log, which are valid. A time that is not
// limited is zero. now is what sinceSeconds counts from.
func LogTimes(options *v1alpha1.ContainerLogOptions, now time.Time) (since, until time.Time) {
	since, _ = parseTime("sinceTime", options.SinceTime)
	until, _ = parseTime("untilTime", options.UntilTime)
	if options.SinceSeconds != nil {
		since = now.Add(-time.Duration(*options.SinceSeconds) * time.Second)
	}
	return since, until
}

// ValidateContainerExecOptions returns the errors of the options for a command in a container.
func ValidateContainerExecOptions(options *v1alpha1.ContainerExecOptions) field.ErrorList {
	errs := validateStreams(options.Stdin, options.Stdout, options.Stderr, options.TTY)
	if len(options.Command) == 0 || options.Command[0] == "" {
		errs = append(errs, field.Required(field.NewPath("command"), "the first one is the program to run"))
	}
	errs = append(errs, validateText(field.NewPath("user"), options.User)...)
	errs = append(errs, validateText(field.NewPath("workingDir"), options.WorkingDir)...)
	for i, argument := range options.Command {
		errs = append(errs, validateText(field.NewPath("command").Index(i), argument)...)
	}
	for i, variable := range options.Env {
		path := field.NewPath("env").Index(i)
		if name, _, found := strings.Cut(variable, "="); !found || name == "" {
			// The message leaves the variable out, because its value may be a secret.
			errs = append(errs, field.Invalid(path, field.OmitValueType{}, "must be NAME=VALUE"))
		}
		errs = append(errs, validateText(path, variable)...)
	}
	return errs
}

// ValidateContainerAttachOptions returns the errors of the options for attaching to a container.
func ValidateContainerAttachOptions(options *v1alpha1.ContainerAttachOptions) field.ErrorList {
	return validateStreams(options.Stdin, options.Stdout, options.Stderr, options.TTY)
}

// ValidateContainerPortForwardOptions returns the errors of the options for forwarding ports of a container.
func ValidateContainerPortForwardOptions(options *v1alpha1.ContainerPortForwardOptions) field.ErrorList {
	var errs field.ErrorList
	for i, port := range options.Ports {
		if path := field.NewPath("ports").Index(i); port < 1 || port > math.MaxUint16 {
			errs = append(errs, field.Invalid(path, port, "must be between 1 and 65535"))
		} else if slices.Contains(options.Ports[:i], port) {
			errs = append(errs, field.Duplicate(path, port))
		}
	}
	return errs
}

// ValidateContainerArchiveOptions returns the errors of the options for copying from or to a container.
func ValidateContainerArchiveOptions(options *v1alpha1.ContainerArchiveOptions) field.ErrorList {
	var errs field.ErrorList
	if options.Path == "" {
		errs = append(errs, field.Required(field.NewPath("path"), "it is the file or directory in the container"))
	}
	errs = append(errs, validateText(field.NewPath("path"), options.Path)...)
	given := 0
	for _, way := range []bool{options.Stdin, options.Stdout, options.Stat} {
		if way {
			given++
		}
	}
	if given != 1 {
		errs = append(errs, field.Required(field.NewPath("stdout"), "exactly one of stdin, stdout and stat must be true"))
	}
	return errs
}

// ValidateContainerTopOptions returns the errors of the options for the processes of a container.
func ValidateContainerTopOptions(options *v1alpha1.ContainerTopOptions) field.ErrorList {
	args := options.PSArgs
	if args == "" || psGrammar.MatchString(args) && !strings.Contains(args, "env") {
		return nil
	}
	return field.ErrorList{field.Invalid(field.NewPath("psArgs"), args,
		"must be -ef, -eF, -el, -elf, aux or a part of these, or -o with a list of columns such as pid,user,args")}
}

// ValidateContainerKill returns the errors of a signal for the container with that name in the path.
func ValidateContainerKill(kill *v1alpha1.ContainerKill) field.ErrorList {
	if kill.Signal != "" && !signalGrammar.MatchString(kill.Signal) {
		return field.ErrorList{field.Invalid(field.NewPath("signal"), kill.Signal, "must be a name or a number, such as SIGHUP, HUP or 1")}
	}
	return nil
}

// ValidateContainerRename returns the errors of a new name for a container.
func ValidateContainerRename(rename *v1alpha1.ContainerRename) field.ErrorList {
	path := field.NewPath("newName")
	switch {
	case rename.NewName == "":
		return field.ErrorList{field.Required(path, "it is the name that the container gets")}
	case !nameGrammar.MatchString(rename.NewName):
		return field.ErrorList{field.Invalid(path, rename.NewName,
			"must have two characters or more: letters, digits, '_', '.' and '-', and a letter or a digit first")}
	}
	return nil
}

// validateStreams returns the errors of the choice of streams for a command or a container.
func validateStreams(stdin, stdout, stderr, tty bool) field.ErrorList {
	var errs field.ErrorList
	if tty && stderr {
		errs = append(errs, field.Forbidden(field.NewPath("stderr"), "cannot be combined with tty: a terminal has only one output, stdout"))
	}
	if !stdin && !stdout && !stderr {
		errs = append(errs, field.Required(field.NewPath("stdout"), "at least one of stdin, stdout and stderr must be true"))
	}
	return errs
}

func validateNumber(name string, number *int64, least, most int64) field.ErrorList {
	if number == nil || least <= *number && *number <= most {
		return nil
	}
	return field.ErrorList{field.Invalid(field.NewPath(name), *number, fmt.Sprintf("must be between %d and %d", least, most))}
}

// validateText refuses what no program can be given as an argument.
func validateText(path *field.Path, text string) field.ErrorList {
	if strings.ContainsRune(text, 0) {
		return field.ErrorList{field.Invalid(path, field.OmitValueType{}, "must not have a zero byte")}
	}
	return nil
}

// parseTime returns the time that a parameter has. It is zero if the parameter is empty.
func parseTime(name, value string) (time.Time, field.ErrorList) {
	if value == "" {
		return time.Time{}, nil
	}
	parsed, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		return time.Time{}, field.ErrorList{field.Invalid(field.NewPath(name), value,
			"must be an RFC 3339 time, such as 2026-01-02T15:04:05.123456789Z")}
	}
	return parsed, nil
}
