// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const (
	// typingErrors is how many letters of a name may be wrong for it to be recognized.
	typingErrors = 2
	// maxSuggestions is how many names help. More of them are no help.
	maxSuggestions = 5
)

// unknownCommand says which commands a name that is none may mean.
func unknownCommand(parent *cobra.Command, name string) error {
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

// similarFlags returns the flags of a command that a name that is none may mean: those with typing errors, those that it
// begins, and those that it ends, as port ends secure-port.
func similarFlags(command *cobra.Command, name string) (similar []string) {
	// Cobra knows how similar the names of commands are.
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

// oneOf joins names to a choice.
func oneOf(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
