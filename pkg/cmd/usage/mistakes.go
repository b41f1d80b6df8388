// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package usage

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
)

// mistakes is a list of errors that is reported on one line.
type mistakes []error

// Error implements error.
func (m mistakes) Error() string {
	var texts []string
	for _, err := range m {
		if text := Plain(err); !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "; ")
}

// Unwrap lets errors.Is and errors.As see each error.
func (m mistakes) Unwrap() []error { return m }

// Join returns all errors that are not nil as one error. It returns nil if there are none.
func Join(errs ...error) error {
	aggregate := utilerrors.NewAggregate(errs)
	if aggregate == nil {
		return nil
	}
	return mistakes(utilerrors.Flatten(aggregate).Errors())
}

// wanted says which values a flag takes. A key is the type of the flag, or the function of strconv that refused a
// value.
var wanted = map[string]string{
	"duration":   "must be a duration such as 30s, 5m or 1h30m",
	"ip":         "must be an IP address",
	"quantity":   "must be a quantity such as 512, 64Ki or 2M",
	"ParseBool":  "must be true or false",
	"ParseInt":   "must be a whole number",
	"Atoi":       "must be a whole number",
	"ParseUint":  "must be a whole number, 0 or more",
	"ParseFloat": "must be a number",
}

var (
	// ofStrconv matches an error of strconv inside the text of another error.
	ofStrconv = regexp.MustCompile(`(, err)?: strconv\.(\w+): parsing ".*": .*`)
	// helpInside matches the help text that libraries add to some of their errors.
	helpInside = regexp.MustCompile(`, help: (?s:.*)`)
)

// Plain returns the text of an error on one line, without the parts that only help programmers.
func Plain(err error) string {
	text := helpInside.ReplaceAllLiteralString(err.Error(), "")
	if match := ofStrconv.FindStringSubmatchIndex(text); match != nil {
		text = text[:match[0]] + ": " + wanted[text[match[4]:match[5]]]
	}
	return strings.Join(strings.Fields(text), " ")
}

// FlagError returns an error that tells the user what is wrong with the flags of a command.
func FlagError(command *cobra.Command, err error) error {
	// If a command is mistyped, the root command gets its flags and does not know them. Then report the mistyped
	// command.
	if command.HasSubCommands() {
		if wrongArguments := command.ValidateArgs(command.Flags().Args()); wrongArguments != nil {
			return wrongArguments
		}
	}
	var (
		unknown *pflag.NotExistError
		missing *pflag.ValueRequiredError
		invalid *pflag.InvalidValueError
	)
	switch {
	case errors.As(err, &invalid):
		return fmt.Errorf("--%s %q: %s", invalid.GetFlag().Name, invalid.GetValue(), whatIsWanted(invalid))
	case errors.As(err, &missing):
		return fmt.Errorf("--%s needs a value", missing.GetFlag().Name)
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "":
		if similar := similarFlags(command, unknown.GetSpecifiedName()); len(similar) > 0 {
			return fmt.Errorf("%w: did you mean %s?", err, oneOf(similar))
		}
	}
	return fmt.Errorf("%w (%s --help shows the flags)", err, command.CommandPath())
}

func whatIsWanted(invalid *pflag.InvalidValueError) string {
	cause := invalid.Unwrap()
	var number *strconv.NumError
	isNumber := errors.As(cause, &number)
	if isNumber && errors.Is(number.Err, strconv.ErrRange) {
		return "is out of range"
	}
	if words, found := wanted[invalid.GetFlag().Value.Type()]; found {
		return words
	}
	if isNumber {
		return wanted[number.Func]
	}
	return Plain(cause)
}
