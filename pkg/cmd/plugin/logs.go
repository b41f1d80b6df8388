// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// maxLine is how long a line may be if each line has the name of its container. A longer one is broken.
const maxLine = 1 << 20

// logs is the command that prints what containers have written.
type logs struct {
	*plugin
	follow, timestamps           bool
	since, until, tail, selector string
}

func newLogsCommand(p *plugin) *cobra.Command {
	l := &logs{plugin: p}
	command := &cobra.Command{
		Use:   "logs {CONTAINER [CONTAINER...] | -l SELECTOR}",
		Short: "Fetch the logs of one or more containers",
		Long: `Fetches the logs of one or more containers. If there is more than one, each line begins with the name of its container.

Both outputs of a container go to the standard output, in the order in which Docker received them.`,
		GroupID: groupShow,
		Example: `  # Follow the log of a container from its last ten lines
  kubectl engine logs -f --tail 10 web

  # Follow the logs of all containers of a project
  kubectl engine logs -f -l com.docker.compose.project=shop`,
		Args: func(command *cobra.Command, arguments []string) error {
			if l.selector == "" {
				return someContainers(command, arguments)
			}
			if len(arguments) > 0 {
				return fmt.Errorf("%s takes names of containers or --selector, not both", command.CommandPath())
			}
			return nil
		},
		ValidArgsFunction: p.complete(isAny),
		RunE:              func(command *cobra.Command, arguments []string) error { return l.run(command.Context(), arguments) },
	}
	flags := command.Flags()
	flags.BoolVarP(&l.follow, "follow", "f", false, "Follow log output")
	flags.StringVar(&l.since, "since", "", `Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)`)
	flags.StringVar(&l.until, "until", "", `Show logs before a timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)`)
	flags.StringVar(&l.tail, "tail", "all", "Number of lines to show from the end of the logs")
	flags.BoolVarP(&l.timestamps, "timestamps", "t", false, "Show timestamps")
	flags.StringVarP(&l.selector, "selector", "l", "", "Show the logs of all containers with these labels")
	return command
}

func (l *logs) run(ctx context.Context, arguments []string) error {
	options, err := l.options(time.Now())
	if err != nil {
		return err
	}
	client, err := l.connect(ctx, l.warnings())
	if err != nil {
		return err
	}
	if l.selector != "" {
		if arguments, err = client.selected(ctx, l.selector); err != nil {
			return err
		}
	}
	if len(arguments) == 1 {
		return client.copyLog(ctx, arguments[0], options, func(log io.Reader) error {
			_, err := io.Copy(l.Out, log)
			return err
		})
	}
	return l.all(ctx, client, arguments, options)
}

// options returns the options of the request. As with docker, a duration is counted back from now.
func (l *logs) options(now time.Time) (*v1alpha1.ContainerLogOptions, error) {
	options := &v1alpha1.ContainerLogOptions{Follow: l.follow, Timestamps: l.timestamps}
	if l.tail != "all" {
		lines, err := strconv.ParseInt(l.tail, 10, 64)
		if err != nil {
			return nil, fmt.Errorf(`--tail %q: must be a whole number or "all"`, l.tail)
		}
		if lines >= 0 { // docker takes a negative number for all
			options.TailLines = &lines
		}
	}
	for _, bound := range []struct {
		flag, value string
		time        *string
	}{{"since", l.since, &options.SinceTime}, {"until", l.until, &options.UntilTime}} {
		if bound.value == "" {
			continue
		}
		at, err := timeOf(bound.value, now)
		if err != nil {
			return nil, fmt.Errorf("--%s %q: %w", bound.flag, bound.value, err)
		}
		*bound.time = at.UTC().Format(time.RFC3339Nano)
	}
	return options, nil
}

// selected returns the names of the containers that have the labels.
func (c *containers) selected(ctx context.Context, selector string) ([]string, error) {
	list, err := c.List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, err
	}
	var names []string
	for i := range list.Items {
		names = append(names, list.Items[i].Name)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no container has the labels %s", selector)
	}
	return names, nil
}

// copyLog hands the log of a container to read.
func (c *containers) copyLog(ctx context.Context, argument string, options *v1alpha1.ContainerLogOptions, read func(io.Reader) error) error {
	found, err := c.find(ctx, argument)
	if err != nil {
		return err
	}
	const log subresource = "log"
	stream, err := log.of(c.rest.Get(), c, found.Name, options).Stream(ctx)
	if err != nil {
		return fmt.Errorf("cannot read the log of %s: %w", argument, log.explain(c, err))
	}
	defer stream.Close()
	if err := read(stream); err != nil {
		return fmt.Errorf("the log of %s is not complete: %w", argument, err)
	}
	return nil
}

// all prints the logs of several containers at the same time, line by line.
func (l *logs) all(ctx context.Context, client *containers, arguments []string, options *v1alpha1.ContainerLogOptions) error {
	width := 0
	for _, argument := range arguments {
		width = max(width, len(argument))
	}
	var (
		printing sync.Mutex
		group    sync.WaitGroup
	)
	problems := make([]error, len(arguments))
	for i, argument := range arguments {
		group.Go(func() {
			prefix := fmt.Sprintf("%-*s | ", width, argument)
			problems[i] = client.copyLog(ctx, argument, options, func(log io.Reader) error {
				return eachLine(log, func(line string) error {
					printing.Lock()
					defer printing.Unlock()
					_, err := io.WriteString(l.Out, prefix+line+"\n")
					return err
				})
			})
		})
	}
	group.Wait()
	return errors.Join(problems...)
}

// eachLine calls print with each line of the text, without its end.
func eachLine(text io.Reader, print func(string) error) error {
	reader := bufio.NewReaderSize(text, maxLine)
	for {
		line, err := reader.ReadSlice('\n')
		if len(line) > 0 {
			if err := print(strings.TrimSuffix(string(line), "\n")); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}
