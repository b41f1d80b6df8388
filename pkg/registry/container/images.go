// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry/imagerequest"
)

const (
	// pullWait is how long a create waits for a pull before it asks the client to repeat it.
	pullWait = 20 * time.Second
	// repeatAfter is when a client should repeat a create, in seconds.
	repeatAfter = 1
	// keptAfterEnd is how long the outcome of a pull waits for a create to be repeated, in seconds. The request is kept as
	// long.
	keptAfterEnd = 60
)

// Images makes the images of new containers present.
//
// A create waits for a pull up to pullWait, and then asks its client to repeat it. The outcome of that pull counts for the
// next create of the same container by the same user, once and as long as the pull request is kept. So a client that
// repeats its create pulls once, also if the policy is Always, and it gets to know why a long pull has failed.
type Images struct {
	// Has reports whether the engine has an image for a platform. An empty platform is any.
	Has func(ctx context.Context, reference, platform string) (bool, error)
	// Requests creates ImagePullRequests.
	Requests rest.Creater
	// Request returns a pull request by its uid as it is now, or nil, and a channel that is closed when it has ended.
	Request func(uid string) (runtime.Object, <-chan struct{})

	mu sync.Mutex
	// awaited are the uids of the pulls whose outcome no create has seen yet, by what the creates ask for.
	awaited map[awaiting]string
}

// awaiting is what creates have in common that are repetitions of each other.
type awaiting struct {
	user, namespace, container string
	image, platform            string
	policy                     v1alpha1.ContainerImagePullPolicy
	secrets                    string
}

func awaitingOf(ctx context.Context, wanted *v1alpha1.Container) awaiting {
	of := awaiting{
		namespace: wanted.Namespace, container: wanted.Name, image: wanted.Spec.Image, platform: wanted.Spec.Platform,
		policy: wanted.Spec.ImagePullPolicy, secrets: strings.Join(wanted.Spec.PullSecrets, " "),
	}
	if wanted.GenerateName != "" { // each repetition gets another name
		of.container = wanted.GenerateName
	}
	if user, ok := request.UserFrom(ctx); ok {
		of.user = user.GetName()
	}
	return of
}

// Ensure returns when the image of a new container is present. Its errors are API errors. A pull that it has begun goes on
// when ctx ends.
func (i *Images) Ensure(ctx context.Context, wanted *v1alpha1.Container) error {
	of := awaitingOf(ctx, wanted)
	uid := i.awaitedBy(of)
	if uid != "" && of.policy == v1alpha1.ContainerPullAlways {
		return i.await(ctx, wanted, of, uid)
	}
	isID := containers.IsImageID(wanted.Spec.Image)
	if of.policy != v1alpha1.ContainerPullAlways || isID {
		has, err := i.Has(ctx, wanted.Spec.Image, wanted.Spec.Platform)
		switch {
		case err != nil:
			return err
		case has:
			i.forget(of, uid)
			return nil
		case of.policy == v1alpha1.ContainerPullNever:
			return missing(wanted, "the engine does not have the image, and imagePullPolicy is Never: pull it first, or use IfNotPresent")
		case isID:
			return missing(wanted, "the engine has no image with this ID, and an ID cannot be pulled: give a tag or a digest")
		}
	}
	if uid == "" {
		var err error
		if uid, err = i.pull(ctx, wanted, of); err != nil {
			return err
		}
	}
	return i.await(ctx, wanted, of, uid)
}

// missing returns the error for an image that is not there and is not pulled.
func missing(wanted *v1alpha1.Container, why string) error {
	err := field.NotFound(field.NewPath("spec", "image"), wanted.Spec.Image)
	err.Detail = why
	return invalid(wanted, err)
}

func invalid(wanted *v1alpha1.Container, err *field.Error) error {
	return apierrors.NewInvalid(v1alpha1.Kind("Container"), wanted.Name, field.ErrorList{err})
}

// pull begins a pull, or joins one that runs for the same image with the same credentials.
func (i *Images) pull(ctx context.Context, wanted *v1alpha1.Container, of awaiting) (uid string, err error) {
	created, err := i.Requests.Create(ctx, &v1alpha1.ImagePullRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: wanted.Namespace, GenerateName: strings.TrimSuffix(of.container, "-") + "-"},
		Spec: v1alpha1.ImagePullRequestSpec{
			Namespace: v1alpha1.EngineNamespace,
			RepoTag:   wanted.Spec.Image, Platform: wanted.Spec.Platform, PullSecrets: wanted.Spec.PullSecrets,
			Policy: v1alpha1.ImagePullAlways, TTLSecondsAfterFinished: ptr.To[int32](keptAfterEnd),
		},
	}, nil, &metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	accessor, err := meta.Accessor(created)
	if err != nil {
		return "", apierrors.NewInternalError(err)
	}
	uid = string(accessor.GetUID())
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.awaited == nil {
		i.awaited = map[awaiting]string{}
	}
	for other, kept := range i.awaited {
		if object, _ := i.Request(kept); object == nil {
			delete(i.awaited, other)
		}
	}
	i.awaited[of] = uid
	return uid, nil
}

// awaitedBy returns the uid of a pull that an earlier create has waited for in vain, or "".
func (i *Images) awaitedBy(of awaiting) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	uid := i.awaited[of]
	if object, _ := i.Request(uid); object == nil {
		return ""
	}
	return uid
}

// forget notes that a create has seen the outcome of a pull.
func (i *Images) forget(of awaiting, uid string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.awaited[of] == uid {
		delete(i.awaited, of)
	}
}

// await waits for the end of a pull, but no longer than pullWait and no longer than half of the time that the request has left.
// Its errors are API errors.
func (i *Images) await(ctx context.Context, wanted *v1alpha1.Container, of awaiting, uid string) error {
	wait := pullWait
	if deadline, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(deadline)/2)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	_, ended := i.Request(uid)
	if ended != nil {
		select {
		case <-ended:
		case <-timer.C:
		case <-ctx.Done():
			return apierrors.NewTimeoutError(fmt.Sprintf("the request ended while the image %s was being pulled", wanted.Spec.Image), 0)
		}
	}
	object, _ := i.Request(uid)
	pull, ok := object.(*v1alpha1.ImagePullRequest)
	if !ok {
		i.forget(of, uid)
		return apierrors.NewConflict(v1alpha1.Resource("containers"), wanted.Name, fmt.Errorf("the request to pull its image %s was deleted", wanted.Spec.Image))
	}
	failed := meta.FindStatusCondition(pull.Status.Conditions, v1alpha1.RequestFailed)
	switch {
	case meta.IsStatusConditionTrue(pull.Status.Conditions, v1alpha1.RequestComplete):
		i.forget(of, uid)
		return nil
	case failed == nil:
		return apierrors.NewTooManyRequests(fmt.Sprintf("the image %s is still being pulled, %s so far: repeat the request to wait for it. The ImagePullRequest %s shows more",
			wanted.Spec.Image, cmp.Or(imagerequest.Progress(&pull.Status), "nothing"), pull.Name), repeatAfter)
	}
	i.forget(of, uid)
	return pullError(wanted, failed)
}

// pullError returns the error for a pull that has failed. Only what the spec is at fault for is 422. A registry that lets
// nobody in is 403: 401 would tell the client that it is not known to this server.
func pullError(wanted *v1alpha1.Container, failed *metav1.Condition) error {
	words := fmt.Sprintf("pulling the image %s: %s", wanted.Spec.Image, failed.Message)
	switch failed.Reason {
	case v1alpha1.RequestNotFound:
		err := field.NotFound(field.NewPath("spec", "image"), wanted.Spec.Image)
		err.Detail = words
		return invalid(wanted, err)
	case v1alpha1.RequestUnauthorized:
		return apierrors.NewForbidden(v1alpha1.Resource("containers"), wanted.Name, errors.New(words))
	case v1alpha1.RequestCancelled:
		return apierrors.NewConflict(v1alpha1.Resource("containers"), wanted.Name, errors.New(words))
	case v1alpha1.RequestNoSpace:
		return invalid(wanted, field.Invalid(field.NewPath("spec", "image"), wanted.Spec.Image, words))
	}
	return apierrors.NewServiceUnavailable(words)
}
