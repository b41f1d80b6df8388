// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/cache"
	"k8s.io/kubectl/pkg/util/term"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	typedv1alpha1 "github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned/typed/containers/v1alpha1"
)

const (
	// redrawPause is the least time between two pictures of a live table, as with docker.
	redrawPause = 500 * time.Millisecond
	// Codes of a terminal: cursorHome moves the cursor to the first line, clearRest clears what follows on the line, and
	// clearBelow all that follows.
	cursorHome = "\x1b[H"
	clearRest  = "\x1b[K"
	clearBelow = "\x1b[J"
)

// stats is the command that shows what containers use.
type stats struct {
	*plugin
	all, noStream, noTrunc bool
	selector, format       string
}

func newStatsCommand(p *plugin) *cobra.Command {
	s := &stats{plugin: p}
	command := &cobra.Command{
		Use:   "stats [CONTAINER...]",
		Short: "Display a live stream of container(s) resource usage statistics",
		Long: `Displays what containers use, in a table that is renewed until you interrupt it. The server takes a sample every 15 seconds.

CPU % is the mean since the sample before, and 100% is all the time of one processor.`,
		GroupID: groupShow,
		Example: `  # Show once what the containers of a project use
  kubectl engine stats --no-stream -l com.docker.compose.project=shop`,
		Args: func(command *cobra.Command, arguments []string) error {
			if len(arguments) > 0 && s.selector != "" {
				return fmt.Errorf("%s takes names of containers or --selector, not both", command.CommandPath())
			}
			return nil
		},
		ValidArgsFunction: p.complete(isUp),
		RunE:              func(command *cobra.Command, arguments []string) error { return s.run(command.Context(), arguments) },
	}
	flags := command.Flags()
	flags.BoolVarP(&s.all, "all", "a", false, "Show all containers (default shows just running)")
	flags.BoolVar(&s.noStream, "no-stream", false, "Disable streaming stats and only pull the first result")
	flags.BoolVar(&s.noTrunc, "no-trunc", false, "Don't truncate output")
	flags.StringVarP(&s.selector, "selector", "l", "", "Show the containers with these labels")
	flags.StringVar(&s.format, "format", "", formatHelp)
	return command
}

func (s *stats) run(ctx context.Context, arguments []string) error {
	client, err := s.connect(ctx, s.warnings())
	if err != nil {
		return err
	}
	shown := &shownStats{stats: s, client: client}
	for _, argument := range arguments {
		found, err := client.find(ctx, argument)
		if err != nil {
			return err
		}
		shown.named = append(shown.named, statsRow{asked: argument, id: found.Status.ID, name: found.Status.Name})
	}
	if err := shown.once(ctx); err != nil || s.noStream {
		return err
	}
	return shown.live(ctx)
}

// shownStats are what containers use, as the user wants to see it.
type shownStats struct {
	*stats
	client *containers
	named  []statsRow // of the containers that the user has named
}

func (s *shownStats) metrics() typedv1alpha1.ContainerMetricsInterface {
	return s.client.kinds.ContainerMetricses(s.client.namespace)
}

// needsContainers reports whether containers that do not run are shown as well.
func (s *shownStats) needsContainers() bool { return s.all && len(s.named) == 0 }

// once asks the server, and shows its answer.
func (s *shownStats) once(ctx context.Context) error {
	selected := metav1.ListOptions{LabelSelector: s.selector}
	metrics, err := listed[*v1alpha1.ContainerMetrics](ctx, s.metrics().List, selected)
	if err != nil {
		return fmt.Errorf("cannot tell what the containers use: %w", err)
	}
	var all []*v1alpha1.Container
	if s.needsContainers() {
		if all, err = listed[*v1alpha1.Container](ctx, s.client.List, selected); err != nil {
			return fmt.Errorf("cannot list the containers: %w", err)
		}
	}
	return s.show(metrics, all)
}

// show prints what the containers use. On a terminal it draws over what it has shown before.
func (s *shownStats) show(metrics []*v1alpha1.ContainerMetrics, all []*v1alpha1.Container) error {
	var text bytes.Buffer
	if err := writeStats(&text, s.format, s.noTrunc, s.rows(metrics, all)); err != nil {
		return err
	}
	if !s.noStream && term.IsTerminal(s.Out) {
		lines := strings.ReplaceAll(text.String(), "\n", clearRest+"\n")
		text.Reset()
		text.WriteString(cursorHome + lines + clearBelow)
	}
	_, err := text.WriteTo(s.Out)
	return err
}

// rows returns a row for each container that is shown, the newest first, or in the order of their names on the command line.
func (s *shownStats) rows(metrics []*v1alpha1.ContainerMetrics, all []*v1alpha1.Container) []statsRow {
	byID := make(map[string]*v1alpha1.ContainerMetrics, len(metrics))
	for _, m := range metrics {
		byID[m.ID] = m
	}
	rows := slices.Clone(s.named)
	switch {
	case len(s.named) > 0:
	case s.all:
		slices.SortFunc(all, newestFirst[*v1alpha1.Container])
		for _, c := range all {
			rows = append(rows, statsRow{asked: c.Status.ID, id: c.Status.ID, name: c.Name})
		}
	default:
		slices.SortFunc(metrics, newestFirst[*v1alpha1.ContainerMetrics])
		for _, m := range metrics {
			rows = append(rows, statsRow{asked: m.ID, id: m.ID, name: m.Name})
		}
	}
	for i := range rows {
		if rows[i].metrics = byID[rows[i].id]; rows[i].metrics != nil {
			rows[i].name = rows[i].metrics.Name
		}
	}
	return rows
}

// live shows what the containers use after each change, until ctx ends or the server refuses to tell it. A loss of the
// connection or a restart of the server does not end it.
func (s *shownStats) live(ctx context.Context) error {
	ctx, giveUp := context.WithCancelCause(ctx)
	var following sync.WaitGroup
	defer following.Wait()
	defer giveUp(nil)
	changed := make(chan struct{}, 1)
	selected := func(options *metav1.ListOptions) { options.LabelSelector = s.selector }
	follow := func(source *cache.ListWatch, kind runtime.Object) cache.Store {
		store, informer := cache.NewInformerWithOptions(cache.InformerOptions{
			ListerWatcher: source, ObjectType: kind, Handler: notifier(changed),
		})
		following.Go(func() { informer.RunWithContext(ctx) })
		cache.WaitForCacheSync(ctx.Done(), informer.HasSynced)
		return store
	}
	metrics := follow(listWatch(s.metrics(), selected, giveUp), &v1alpha1.ContainerMetrics{})
	all := cache.NewStore(cache.MetaNamespaceKeyFunc)
	if s.needsContainers() {
		all = follow(listWatch(s.client.ContainerInterface, selected, giveUp), &v1alpha1.Container{})
	}
	for {
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := s.show(held[*v1alpha1.ContainerMetrics](metrics), held[*v1alpha1.Container](all)); err != nil {
			return err
		}
		select {
		case <-time.After(redrawPause):
		case <-ctx.Done():
		}
	}
}

// notifier sends to changed after each change. changed has room for one value, so nothing blocks.
func notifier(changed chan<- struct{}) cache.ResourceEventHandler {
	notify := func(any) {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	return cache.ResourceEventHandlerFuncs{AddFunc: notify, DeleteFunc: notify, UpdateFunc: func(_, updated any) { notify(updated) }}
}

// held returns the objects in a store.
func held[T any](store cache.Store) (objects []T) {
	for _, object := range store.List() {
		objects = append(objects, object.(T))
	}
	return objects
}
