// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package imagerequest

import (
	"context"
	"strings"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/transfers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/requests"
)

// NewJob returns the job that makes a transfer. Requests share its run if all parts of their keys are equal.
func NewJob(deadline *int64, ttl *int32, transfer func(context.Context, transfers.Report) (transfers.Outcome, error), key ...string) requests.Job {
	job := requests.Job{
		Key:        strings.Join(key, "\x00"),
		TimeToLive: v1alpha1.DefaultTTLSecondsAfterFinished * time.Second,
		Run: func(ctx context.Context, report *requests.Report) (requests.Result, error) {
			outcome, err := transfer(ctx, report)
			return ResultOf(outcome), err
		},
	}
	if deadline != nil {
		job.Deadline = time.Duration(*deadline) * time.Second
	}
	if ttl != nil {
		job.TimeToLive = time.Duration(*ttl) * time.Second
	}
	return job
}

// ResultOf returns the outcome of a transfer as the result of a job.
func ResultOf(outcome transfers.Outcome) requests.Result {
	return requests.Result{Image: outcome.Name, ImageID: outcome.ID, Digest: outcome.Digest, Message: outcome.Message}
}
