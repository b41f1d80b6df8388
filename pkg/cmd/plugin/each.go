// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// together is how many containers a command acts on at the same time.
const together = 16

// each calls act for every argument, for limit of them at the same time. It prints what act returns, in the order of the
// arguments and as early as that allows. If that is "", it prints nothing. An error does not keep it from acting on the
// others: it returns all errors.
func (p *plugin) each(ctx context.Context, arguments []string, limit int, act func(context.Context, string) (string, error)) error {
	type outcome struct {
		text string
		err  error
	}
	outcomes := make([]chan outcome, len(arguments))
	for i := range outcomes {
		outcomes[i] = make(chan outcome, 1)
	}
	go func() { // ends when act has been called for every argument: each call leaves an outcome, and all of them are read
		var group errgroup.Group
		group.SetLimit(limit)
		for i, argument := range arguments {
			group.Go(func() error {
				text, err := act(ctx, argument)
				outcomes[i] <- outcome{text, err}
				return nil
			})
		}
	}()
	var problems []error
	for i := range outcomes {
		o := <-outcomes[i]
		if o.err == nil && o.text != "" {
			_, o.err = fmt.Fprintln(p.Out, o.text)
		}
		problems = append(problems, o.err)
	}
	return errors.Join(problems...)
}
