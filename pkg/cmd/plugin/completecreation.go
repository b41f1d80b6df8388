// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagValues are the values that flags of run and create have in docker's completion, too.
var flagValues = map[string][]cobra.Completion{
	"cgroupns":    {"host", "private"},
	"dry-run":     {dryRunClient, dryRunNone, dryRunServer},
	"ipc":         {"host", "none", "private", "shareable"},
	"output":      {"json", "name", "yaml"},
	"pid":         {"host"},
	"pull":        {"always", "missing", "never"},
	"restart":     {"always", "no", "on-failure", "unless-stopped"},
	"stop-signal": {"SIGHUP", "SIGINT", "SIGKILL", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2"},
	"userns":      {"host"},
	"uts":         {"host"},
}

// filesOf are the flags that name a local file.
var filesOf = map[string]bool{"env-file": true, "label-file": true}

// completeCreation completes the image and the flags of a command that makes a container.
func (p *plugin) completeCreation(command *cobra.Command) {
	command.ValidArgsFunction = onlyFirst(p.completeImages)
	completions := map[string]cobra.CompletionFunc{"network": p.completeNetworks, "net": p.completeNetworks}
	for flag, values := range flagValues {
		completions[flag] = cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
	}
	command.Flags().VisitAll(func(flag *pflag.Flag) {
		complete, known := completions[flag.Name]
		switch {
		case filesOf[flag.Name]:
			return
		case !known:
			complete = cobra.NoFileCompletions
		}
		// It fails only for a flag that has a function already.
		_ = command.RegisterFlagCompletionFunc(flag.Name, complete)
	})
}
