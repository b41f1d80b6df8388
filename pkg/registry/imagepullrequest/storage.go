// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package imagepullrequest is the REST storage of ImagePullRequests, and makes their jobs.
package imagepullrequest

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/transfers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry/credentials"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry/imagerequest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/requests"
)

// Resource is the name of the resource.
const Resource = "imagepullrequests"

func statusOf(request *v1alpha1.ImagePullRequest) *v1alpha1.ImageRequestStatus {
	return &request.Status
}

// NewSource returns the source of the requests. They pull with the engine, in slots.
func NewSource(engine *transfers.Engine, finder credentials.Finder, slots requests.Slots) *requests.Source {
	return imagerequest.NewSource(Resource, slots, statusOf, func(ctx context.Context, request *v1alpha1.ImagePullRequest) (requests.Job, error) {
		return plan(ctx, engine, finder, request.Spec)
	})
}

// plan returns the job that does what a spec says.
func plan(ctx context.Context, engine *transfers.Engine, finder credentials.Finder, spec v1alpha1.ImagePullRequestSpec) (requests.Job, error) {
	image, auth, err := imagerequest.Prepare(ctx, engine, finder, "repoTag", spec.RepoTag, spec.PullSecrets)
	if err != nil {
		return requests.Job{}, err
	}
	pull := func(ctx context.Context, report transfers.Report) (transfers.Outcome, error) {
		return engine.Pull(ctx, image, spec.Platform, auth.Header(), report)
	}
	job := imagerequest.NewJob(spec.ActiveDeadlineSeconds, spec.TTLSecondsAfterFinished, pull, image.String(), spec.Platform, auth.Hash())
	if spec.Policy == v1alpha1.ImagePullIfNotPresent {
		found, err := engine.Find(ctx, image, spec.Platform)
		if err != nil {
			return requests.Job{}, err
		}
		if found != nil {
			result := imagerequest.ResultOf(*found)
			job.Done = &result
		}
	}
	return job, nil
}

// NewStorage returns the REST storage of ImagePullRequests with the verbs over the objects.
func NewStorage(scheme *runtime.Scheme, objects *registry.Namespaced, verbs registry.Verbs) (rest.Storage, error) {
	strategy := imagerequest.Strategy[*v1alpha1.ImagePullRequest]{
		Strategy:    registry.Strategy{ObjectTyper: scheme},
		Status:      statusOf,
		ValidateNew: containers.ValidateImagePullRequest,
	}
	return registry.NewStorage(registry.Resource{
		Name:           Resource,
		SingularName:   "imagepullrequest",
		ShortName:      "pull",
		NewFunc:        func() runtime.Object { return &v1alpha1.ImagePullRequest{} },
		NewListFunc:    func() runtime.Object { return &v1alpha1.ImagePullRequestList{} },
		Strategy:       strategy,
		CreateStrategy: strategy,
		TableConvertor: imagerequest.NewTable("Pulling", func(r *v1alpha1.ImagePullRequest) string { return r.Spec.RepoTag }, statusOf),
	}, verbs, scheme, objects)
}
