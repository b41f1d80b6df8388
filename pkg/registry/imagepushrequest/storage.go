// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package imagepushrequest is the REST storage of ImagePushRequests, and makes their jobs.
package imagepushrequest

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
const Resource = "imagepushrequests"

func statusOf(request *v1alpha1.ImagePushRequest) *v1alpha1.ImageRequestStatus {
	return &request.Status
}

// NewSource returns the source of the requests. They push with the engine, in slots.
func NewSource(engine *transfers.Engine, finder credentials.Finder, slots requests.Slots) *requests.Source {
	return imagerequest.NewSource(Resource, slots, statusOf, func(ctx context.Context, request *v1alpha1.ImagePushRequest) (requests.Job, error) {
		return plan(ctx, engine, finder, request.Spec)
	})
}

// plan returns the job that does what a spec says.
func plan(ctx context.Context, engine *transfers.Engine, finder credentials.Finder, spec v1alpha1.ImagePushRequestSpec) (requests.Job, error) {
	image, auth, err := imagerequest.Prepare(ctx, engine, finder, "imageRef", containers.ReferenceOfName(spec.ImageRef), spec.PullSecrets)
	if err != nil {
		return requests.Job{}, err
	}
	push := func(ctx context.Context, report transfers.Report) (transfers.Outcome, error) {
		return engine.Push(ctx, image, auth.Header(), report)
	}
	return imagerequest.NewJob(spec.ActiveDeadlineSeconds, spec.TTLSecondsAfterFinished, push, image.String(), auth.Hash()), nil
}

// NewStorage returns the REST storage of ImagePushRequests with the verbs over the objects.
func NewStorage(scheme *runtime.Scheme, objects *registry.Namespaced, verbs registry.Verbs) (rest.Storage, error) {
	strategy := imagerequest.Strategy[*v1alpha1.ImagePushRequest]{
		Strategy:    registry.Strategy{ObjectTyper: scheme},
		Status:      statusOf,
		ValidateNew: containers.ValidateImagePushRequest,
	}
	return registry.NewStorage(registry.Resource{
		Name:           Resource,
		SingularName:   "imagepushrequest",
		ShortName:      "push",
		NewFunc:        func() runtime.Object { return &v1alpha1.ImagePushRequest{} },
		NewListFunc:    func() runtime.Object { return &v1alpha1.ImagePushRequestList{} },
		Strategy:       strategy,
		CreateStrategy: strategy,
		TableConvertor: imagerequest.NewTable("Pushing", func(r *v1alpha1.ImagePushRequest) string { return containers.ReferenceOfName(r.Spec.ImageRef) }, statusOf),
	}, verbs, scheme, objects)
}
