// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package usage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const (
	// typingErrors is how many letters of a name may be wrong for a suggestion.
	typingErrors = 2
	// maxSuggestions is how many suggestions are helpful. similarFlags returns none if there are more.
	maxSuggestions = 5
)

// UnknownCommand returns the error for an unknown command, with suggestions.
func UnknownCommand(parent *cobra.Command, name string) error {
	parent.SuggestionsMinimumDistance = typingErrors
	var similar []string
	if !strings.HasPrefix(name, "-") && name != "" {
		similar = parent.SuggestionsFor(name)
	}
	if len(similar) == 0 {
		return fmt.Errorf("unknown command %q (%s --help shows the commands)", name, parent.CommandPath())
	}
	for i := range similar {
		similar[i] = fmt.Sprintf("%q", similar[i])
	}
	return fmt.Errorf("unknown command %q: did you mean %s?", name, oneOf(similar))
}

// similarFlags returns the flags that an unknown name may mean: flags with a similar name, flags that begin with the
// name, and flags that end with it, as secure-port ends with port.
func similarFlags(command *cobra.Command, name string) (similar []string) {
	// Cobra can compare the names of commands, so make each flag a command.
	names := &cobra.Command{SuggestionsMinimumDistance: typingErrors}
	command.Flags().VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden {
			return
		}
		names.AddCommand(&cobra.Command{Use: flag.Name, Run: func(*cobra.Command, []string) {}})
		if strings.HasSuffix(flag.Name, "-"+name) {
			similar = append(similar, flag.Name)
		}
	})
	if len(name) > typingErrors {
		similar = append(similar, names.SuggestionsFor(name)...)
	}
	slices.Sort(similar)
	if similar = slices.Compact(similar); len(similar) > maxSuggestions {
		return nil
	}
	for i := range similar {
		similar[i] = "--" + similar[i]
	}
	return similar
}

// oneOf joins names to a choice, such as a, b or c.
func oneOf(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
