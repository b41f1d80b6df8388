// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package imagerequest

import (
	"context"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/transfers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry/credentials"
	"github.com/rancher-sandbox/engine-apiserver/pkg/requests"
)

// NewSource returns the source of a kind of requests. Its jobs run in slots. plan returns the job for a new request.
func NewSource[T runtime.Object](resource string, slots requests.Slots, status func(T) *v1alpha1.ImageRequestStatus, plan func(context.Context, T) (requests.Job, error)) *requests.Source {
	return requests.New(requests.Config{
		Resource: v1alpha1.Resource(resource),
		Slots:    slots,
		Status:   func(object runtime.Object) *v1alpha1.ImageRequestStatus { return status(object.(T)) },
		Plan:     func(ctx context.Context, object runtime.Object) (requests.Job, error) { return plan(ctx, object.(T)) },
	})
}

// Prepare returns the image of a new request, and the credentials for its registry. field is the field of the spec that has
// the reference. Prepare fails if the engine does not answer. Its errors are API errors.
func Prepare(ctx context.Context, engine *transfers.Engine, finder credentials.Finder, field, reference string, secrets []string) (transfers.Image, credentials.Credentials, error) {
	image, err := transfers.Parse(reference)
	if err != nil {
		return image, credentials.Credentials{}, apierrors.NewBadRequest("spec." + field + ": " + err.Error())
	}
	if err := engine.Check(); err != nil {
		return image, credentials.Credentials{}, err
	}
	auth, err := finder.Find(ctx, secrets, image.Registry())
	return image, auth, err
}

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
