// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package clients

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

// pause is how long a client waits after a failure.
const pause = 100 * time.Millisecond

func sleep(ctx context.Context, duration time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(duration):
	}
}

// page lists a resource in pages of limit objects, or in one page if limit is 0. It returns nil if there is no consistent answer:
// the engine is away, the server is killed in between, or the server no longer keeps the version of the pages.
func (c *Client) page(ctx context.Context, resource string, limit int64) *history.List {
	run := c.Run()
	l := &history.List{Client: c.Name, Resource: resource, Run: run}
	for options := (metav1.ListOptions{Limit: limit}); ; l.Pages++ {
		answer, err := c.list(ctx, resource, options)
		if err != nil {
			return nil
		}
		listed := answer.(metav1.ListInterface)
		version, err := history.ParseVersion(listed.GetResourceVersion())
		if err != nil {
			return nil
		}
		l.Version = version
		err = meta.EachListItem(answer, func(object runtime.Object) error {
			kept, err := history.ObjectOf(object)
			l.Objects = append(l.Objects, kept)
			return err
		})
		if err != nil {
			return nil
		}
		if options.Continue = listed.GetContinue(); options.Continue == "" {
			break
		}
	}
	if c.Run() != run {
		return nil
	}
	c.Recorder.List(l)
	return l
}

// Page lists a resource in pages until ctx ends.
func (c *Client) Page(ctx context.Context, resource string) {
	for ctx.Err() == nil {
		c.page(ctx, resource, 1+c.Random.Int64N(8))
		sleep(ctx, time.Duration(c.Random.IntN(300))*time.Millisecond)
	}
}
