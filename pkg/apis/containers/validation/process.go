// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"math"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

const (
	// maxSeconds is how many seconds Docker can count.
	maxSeconds = int64(math.MaxInt64 / time.Second)
	// maxSignal is the largest number of a signal of Linux.
	maxSignal = 64
	// maxHostName is the longest host name or domain name that Linux takes.
	maxHostName = 64
)

var (
	// signalNames has the signals of Linux, which is what containers run on. The signals of this host may be others.
	signalNames = regexp.MustCompile(`^(SIG)?(ABRT|ALRM|BUS|CHLD|CLD|CONT|FPE|HUP|ILL|INT|IO|IOT|KILL|PIPE|POLL|PROF|PWR|QUIT|SEGV|STKFLT|STOP|SYS|TERM|TRAP|TSTP|TTIN|TTOU|URG|USR1|USR2|VTALRM|WINCH|XCPU|XFSZ|RTMIN(\+([1-9]|1[0-5]))?|RTMAX(-([1-9]|1[0-4]))?)$`)
	// hostNameGrammar has names of which each part begins and ends with a letter, a digit or '_'.
	hostNameGrammar = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$`)
)

func validateProcess(spec *v1alpha1.ContainerSpec) field.ErrorList {
	errs := texts(specPath.Child("command"), spec.Command)
	errs = append(errs, texts(specPath.Child("args"), spec.Args)...)
	errs = append(errs, validateEnv(spec.Env)...)
	errs = append(errs, containers.ValidateText(specPath.Child("user"), spec.User)...)
	errs = append(errs, containers.ValidateText(specPath.Child("workingDir"), spec.WorkingDir)...)
	if spec.WorkingDir != "" && !path.IsAbs(spec.WorkingDir) {
		errs = append(errs, field.Invalid(specPath.Child("workingDir"), spec.WorkingDir, "must be an absolute path"))
	}
	if spec.StopSignal != "" && !isSignal(spec.StopSignal) {
		errs = append(errs, field.Invalid(specPath.Child("stopSignal"), spec.StopSignal,
			fmt.Sprintf("must be the name of a signal, such as SIGINT, or a number from 1 to %d", maxSignal)))
	}
	if timeout := spec.StopTimeoutSeconds; timeout != nil && (*timeout < -1 || *timeout > maxSeconds) {
		errs = append(errs, field.Invalid(specPath.Child("stopTimeoutSeconds"), *timeout,
			fmt.Sprintf("must be between 0 and %d, or -1 to wait as long as it takes", maxSeconds)))
	}
	return errs
}

// validateEnv returns the errors of environment variables. They leave the values out, because these may be secrets.
func validateEnv(env []v1alpha1.ContainerEnvVar) field.ErrorList {
	var errs field.ErrorList
	given := map[string]bool{}
	for i, variable := range env {
		path := specPath.Child("env").Index(i)
		switch name := variable.Name; {
		case name == "":
			errs = append(errs, field.Required(path.Child("name"), "a variable must have a name"))
		case strings.ContainsAny(name, "=\x00"):
			errs = append(errs, field.Invalid(path.Child("name"), strings.Split(name, "=")[0]+"=...", "must not have '=': the value goes into value"))
		case given[name]:
			errs = append(errs, field.Duplicate(path.Child("name"), name))
		}
		given[variable.Name] = true
		errs = append(errs, containers.ValidateText(path.Child("value"), variable.Value)...)
	}
	return errs
}

func isSignal(signal string) bool {
	if number, err := strconv.Atoi(signal); err == nil {
		return number >= 1 && number <= maxSignal
	}
	return signalNames.MatchString(strings.ToUpper(signal))
}

// cleanPath returns the errors of an absolute path in the form in which Docker keeps it.
func cleanPath(fieldPath *field.Path, value string) field.ErrorList {
	errs := containers.ValidateText(fieldPath, value)
	switch clean := path.Clean(value); {
	case !path.IsAbs(value):
		errs = append(errs, field.Invalid(fieldPath, value, "must be an absolute path"))
	case clean != value:
		errs = append(errs, field.Invalid(fieldPath, value, "must be written as "+clean))
	}
	return errs
}

func validateHostNames(spec *v1alpha1.ContainerSpec) field.ErrorList {
	var errs field.ErrorList
	for _, name := range []struct{ field, value string }{{"hostname", spec.Hostname}, {"domainname", spec.Domainname}} {
		if name.value != "" && (len(name.value) > maxHostName || !hostNameGrammar.MatchString(name.value)) {
			errs = append(errs, field.Invalid(specPath.Child(name.field), name.value,
				fmt.Sprintf("must have letters, digits, '-', '_' and '.', and at most %d characters, such as web-1.example.com", maxHostName)))
		}
	}
	if spec.Hostname != "" && spec.UTSMode == modeHost {
		errs = append(errs, field.Forbidden(specPath.Child("hostname"), "cannot be combined with utsMode host: the container has the host's name"))
	}
	return errs
}

func validateRestartPolicy(spec *v1alpha1.ContainerSpec) field.ErrorList {
	policy, path := spec.RestartPolicy, specPath.Child("restartPolicy")
	if policy == nil {
		return nil
	}
	errs := oneOf(path.Child("name"), policy.Name, restartPolicies)
	switch count := path.Child("maximumRetryCount"); {
	case policy.MaximumRetryCount < 0:
		errs = append(errs, field.Invalid(count, policy.MaximumRetryCount, "must be 0 or more"))
	case policy.MaximumRetryCount > 0 && policy.Name != v1alpha1.ContainerRestartOnFailure:
		errs = append(errs, field.Invalid(count, policy.MaximumRetryCount, "only a policy with the name on-failure can have one"))
	}
	if spec.AutoRemove && policy.Name != v1alpha1.ContainerRestartNo {
		errs = append(errs, field.Invalid(path.Child("name"), policy.Name, `must be "no", because autoRemove removes the container when it ends`))
	}
	return errs
}

var restartPolicies = []v1alpha1.ContainerRestartPolicyName{
	v1alpha1.ContainerRestartNo, v1alpha1.ContainerRestartAlways, v1alpha1.ContainerRestartOnFailure, v1alpha1.ContainerRestartUnlessStopped,
}

func validateHealthCheck(spec *v1alpha1.ContainerSpec) field.ErrorList {
	check, path := spec.HealthCheck, specPath.Child("healthCheck")
	if check == nil {
		return nil
	}
	var errs field.ErrorList
	switch {
	case len(check.Command) > 0 && check.ShellCommand != "":
		errs = append(errs, field.Forbidden(path.Child("shellCommand"), "cannot be combined with command"))
	case check.Disable && (len(check.Command) > 0 || check.ShellCommand != ""):
		errs = append(errs, field.Forbidden(path.Child("disable"), "cannot be combined with command or shellCommand"))
	}
	errs = append(errs, texts(path.Child("command"), check.Command)...)
	errs = append(errs, containers.ValidateText(path.Child("shellCommand"), check.ShellCommand)...)
	if len(check.Command) > 0 {
		switch check.Command[0] {
		case "":
			errs = append(errs, field.Required(path.Child("command").Index(0), "must be the program"))
		case "CMD", "CMD-SHELL", "NONE":
			errs = append(errs, field.Invalid(path.Child("command").Index(0), check.Command[0],
				"must be the program: leave CMD out, write shellCommand for CMD-SHELL, and disable for NONE"))
		}
	}
	for _, number := range []struct {
		field string
		value int32
	}{
		{"intervalSeconds", check.IntervalSeconds}, {"timeoutSeconds", check.TimeoutSeconds},
		{"startPeriodSeconds", check.StartPeriodSeconds}, {"retries", check.Retries},
	} {
		if number.value < 0 {
			errs = append(errs, field.Invalid(path.Child(number.field), number.value, "must be 1 or more, or be left out"))
		} else if number.value > 0 && check.Disable {
			errs = append(errs, field.Forbidden(path.Child(number.field), "cannot be combined with disable"))
		}
	}
	return errs
}
