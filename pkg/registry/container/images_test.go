// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/requests"
)

// engine is an engine that pulls one image when the test says so.
type engine struct {
	source *requests.Source
	pulls  atomic.Int64
	has    atomic.Bool
	ends   chan error // the outcomes of the pulls
	made   []*v1alpha1.ImagePullRequest
}

type reason string

func (r reason) Error() string         { return "Docker says " + string(r) }
func (r reason) FailureReason() string { return string(r) }

type nobody struct{}

func (nobody) MarkDirty(string) {}

func newImages(t *testing.T) (*Images, *engine) {
	e := &engine{ends: make(chan error)}
	e.source = requests.New(requests.Config{
		Resource: v1alpha1.Resource("imagepullrequests"),
		Slots:    requests.NewSlots(1),
		Status:   func(o runtime.Object) *v1alpha1.ImageRequestStatus { return &o.(*v1alpha1.ImagePullRequest).Status },
		Plan: func(_ context.Context, o runtime.Object) (requests.Job, error) {
			return requests.Job{Key: "image", TimeToLive: time.Duration(*o.(*v1alpha1.ImagePullRequest).Spec.TTLSecondsAfterFinished) * time.Second,
				Run: func(ctx context.Context, report *requests.Report) (requests.Result, error) {
					e.pulls.Add(1)
					report.Layer("layer", "Downloading", 12e6, 50e6)
					select {
					case err := <-e.ends:
						e.has.Store(err == nil)
						return requests.Result{}, err
					case <-ctx.Done():
						return requests.Result{}, ctx.Err()
					}
				}}, nil
		},
	})
	e.source.SetSink(nobody{})
	t.Cleanup(e.source.Stop)
	return &Images{
		Has:      func(context.Context, string, string) (bool, error) { return e.has.Load(), nil },
		Requests: e, Request: e.source.Request,
	}, e
}

// New implements rest.Creater.
func (e *engine) New() runtime.Object { return &v1alpha1.ImagePullRequest{} }

// Create implements rest.Creater.
func (e *engine) Create(ctx context.Context, object runtime.Object, _ rest.ValidateObjectFunc, _ *metav1.CreateOptions) (runtime.Object, error) {
	pull := object.(*v1alpha1.ImagePullRequest)
	pull.UID = types.UID(uuid.NewUUID())
	pull.Name = pull.GenerateName + string(pull.UID[:5])
	e.made = append(e.made, pull)
	_, err := e.source.Create(ctx, "ns/"+pull.Name, pull)
	return pull, err
}

func wanting(policy v1alpha1.ContainerImagePullPolicy) *v1alpha1.Container {
	return &v1alpha1.Container{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "web"},
		Spec:       v1alpha1.ContainerSpec{Image: "team/tool:v1", ImagePullPolicy: policy},
	}
}

func as(t *testing.T, name string) context.Context {
	return request.WithUser(t.Context(), &user.DefaultInfo{Name: name})
}

// bubble runs a test with two policies in bubbles of their own, in which time passes only when everybody waits.
func bubble(t *testing.T, test func(*testing.T, *Images, *engine, *v1alpha1.Container)) {
	for _, policy := range []v1alpha1.ContainerImagePullPolicy{"", v1alpha1.ContainerPullAlways} {
		t.Run("policy "+string(policy), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				images, e := newImages(t)
				test(t, images, e, wanting(policy))
			})
		})
	}
}

func TestACreateWaitsForItsPullAndThenAsksItsClientToRepeatIt(t *testing.T) {
	bubble(t, func(t *testing.T, images *Images, e *engine, wanted *v1alpha1.Container) {
		began := time.Now()
		err := images.Ensure(as(t, "ann"), wanted)
		after, repeats := apierrors.SuggestsClientDelay(err)
		if !apierrors.IsTooManyRequests(err) || !repeats || after != repeatAfter || time.Since(began) != pullWait {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		if !strings.Contains(err.Error(), "12MB/50MB") || !strings.Contains(err.Error(), e.made[0].Name) {
			t.Errorf("the error does not say how far the pull is: %v", err)
		}
	})
}

func TestARepeatedCreatePullsOnce(t *testing.T) {
	bubble(t, func(t *testing.T, images *Images, e *engine, wanted *v1alpha1.Container) {
		for range 3 {
			if err := images.Ensure(as(t, "ann"), wanted); !apierrors.IsTooManyRequests(err) {
				t.Fatal(err)
			}
		}
		e.ends <- nil
		time.Sleep((keptAfterEnd - 1) * time.Second)
		if err := images.Ensure(as(t, "ann"), wanted); err != nil || e.pulls.Load() != 1 {
			t.Errorf("%d pulls: %v", e.pulls.Load(), err)
		}
	})
}

func TestARepeatedCreateOfAGeneratedNamePullsOnce(t *testing.T) {
	bubble(t, func(t *testing.T, images *Images, e *engine, wanted *v1alpha1.Container) {
		for _, name := range []string{"web-1", "web-2"} {
			wanted.GenerateName, wanted.Name = "web-", name
			if err := images.Ensure(as(t, "ann"), wanted); !apierrors.IsTooManyRequests(err) {
				t.Fatal(err)
			}
		}
		e.ends <- nil
		wanted.Name = "web-3"
		if err := images.Ensure(as(t, "ann"), wanted); err != nil || e.pulls.Load() != 1 || len(e.made) != 1 {
			t.Errorf("%d pulls by %d requests: %v", e.pulls.Load(), len(e.made), err)
		}
	})
}

func TestThePolicyAlwaysPullsAgainForTheNextContainer(t *testing.T) {
	for what, change := range map[string]func(*testing.T, *v1alpha1.Container) context.Context{
		"after a create that went on": func(t *testing.T, _ *v1alpha1.Container) context.Context { return as(t, "ann") },
		"of another name": func(t *testing.T, c *v1alpha1.Container) context.Context {
			c.Name = "other"
			return as(t, "ann")
		},
		"of another user": func(t *testing.T, _ *v1alpha1.Container) context.Context { return as(t, "bob") },
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				images, e := newImages(t)
				go func() { e.ends <- nil }()
				wanted := wanting(v1alpha1.ContainerPullAlways)
				if err := images.Ensure(as(t, "ann"), wanted); err != nil {
					t.Fatal(err)
				}
				ctx := change(t, wanted)
				go func() { e.ends <- nil }()
				if err := images.Ensure(ctx, wanted); err != nil || e.pulls.Load() != 2 {
					t.Errorf("%d pulls: %v", e.pulls.Load(), err)
				}
			})
		})
	}
}

func TestAPullThatEndedLongAgoDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		images, e := newImages(t)
		wanted := wanting(v1alpha1.ContainerPullAlways)
		if err := images.Ensure(as(t, "ann"), wanted); !apierrors.IsTooManyRequests(err) {
			t.Fatal(err)
		}
		e.ends <- nil
		time.Sleep((keptAfterEnd + 1) * time.Second)
		go func() { e.ends <- nil }()
		if err := images.Ensure(as(t, "ann"), wanted); err != nil || e.pulls.Load() != 2 {
			t.Errorf("%d pulls: %v", e.pulls.Load(), err)
		}
	})
}

func TestARepeatedCreateSaysOnceWhyAPullHasFailed(t *testing.T) {
	bubble(t, func(t *testing.T, images *Images, e *engine, wanted *v1alpha1.Container) {
		if err := images.Ensure(as(t, "ann"), wanted); !apierrors.IsTooManyRequests(err) {
			t.Fatal(err)
		}
		e.ends <- reason(v1alpha1.RequestUnauthorized)
		if err := images.Ensure(as(t, "ann"), wanted); !apierrors.IsForbidden(err) || e.pulls.Load() != 1 {
			t.Errorf("%d pulls: %v", e.pulls.Load(), err)
		}
		go func() { e.ends <- nil }()
		if err := images.Ensure(as(t, "ann"), wanted); err != nil || e.pulls.Load() != 2 {
			t.Errorf("%d pulls: %v", e.pulls.Load(), err)
		}
	})
}

func TestAFailedPullIsAnErrorThatSaysWhoCanMendIt(t *testing.T) {
	for _, test := range []struct {
		failure error
		is      func(error) bool
		field   string
	}{
		{reason(v1alpha1.RequestNotFound), apierrors.IsInvalid, "spec.image"},
		{reason(v1alpha1.RequestUnauthorized), apierrors.IsForbidden, ""},
		{reason(v1alpha1.RequestNoSpace), apierrors.IsInvalid, "spec.image"},
		{reason(v1alpha1.RequestCancelled), apierrors.IsConflict, ""},
		{reason(v1alpha1.RequestEngineLost), apierrors.IsServiceUnavailable, ""},
		{errors.New("connection refused"), apierrors.IsServiceUnavailable, ""},
	} {
		bubble(t, func(t *testing.T, images *Images, e *engine, wanted *v1alpha1.Container) {
			go func() { e.ends <- test.failure }()
			err := images.Ensure(as(t, "ann"), wanted)
			status := apierrors.APIStatus(nil)
			if !test.is(err) || !errors.As(err, &status) || !strings.Contains(err.Error(), test.failure.Error()) || !strings.Contains(err.Error(), "team/tool:v1") {
				t.Fatalf("%v: %v", test.failure, err)
			}
			if test.field != "" && (len(status.Status().Details.Causes) != 1 || status.Status().Details.Causes[0].Field != test.field) {
				t.Errorf("%v: %+v", test.failure, status.Status().Details)
			}
		})
	}
}

func TestARequestToPullThatIsDeletedEndsTheCreate(t *testing.T) {
	bubble(t, func(t *testing.T, images *Images, e *engine, wanted *v1alpha1.Container) {
		go func() {
			time.Sleep(time.Second)
			synctest.Wait()
			_ = e.source.Delete(t.Context(), string(e.made[0].UID), e.made[0])
		}()
		if err := images.Ensure(as(t, "ann"), wanted); !apierrors.IsConflict(err) {
			t.Error(err)
		}
	})
}

func TestAClientThatGoesEndsTheWaitAndNotThePull(t *testing.T) {
	bubble(t, func(t *testing.T, images *Images, e *engine, wanted *v1alpha1.Container) {
		ctx, cancel := context.WithCancel(as(t, "ann"))
		time.AfterFunc(time.Second, cancel)
		if err := images.Ensure(ctx, wanted); !apierrors.IsTimeout(err) {
			t.Error(err)
		}
		e.ends <- nil
		if err := images.Ensure(as(t, "ann"), wanted); err != nil || e.pulls.Load() != 1 {
			t.Errorf("%d pulls: %v", e.pulls.Load(), err)
		}
	})
}

func TestARequestWithLittleTimeLeavesTimeToMakeTheContainer(t *testing.T) {
	bubble(t, func(t *testing.T, images *Images, _ *engine, wanted *v1alpha1.Container) {
		ctx, cancel := context.WithTimeout(as(t, "ann"), 10*time.Second)
		defer cancel()
		began := time.Now()
		if err := images.Ensure(ctx, wanted); !apierrors.IsTooManyRequests(err) || time.Since(began) != 5*time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

func TestAnImageThatIsThereIsNotPulled(t *testing.T) {
	images, e := newImages(t)
	e.has.Store(true)
	byID := wanting(v1alpha1.ContainerPullAlways)
	byID.Spec.Image = "sha256:" + strings.Repeat("0123456789abcdef", 4)
	for _, wanted := range []*v1alpha1.Container{wanting(""), wanting(v1alpha1.ContainerPullIfNotPresent), wanting(v1alpha1.ContainerPullNever), byID} {
		if err := images.Ensure(as(t, "ann"), wanted); err != nil || len(e.made) > 0 {
			t.Errorf("%+v: %d pulls: %v", wanted.Spec, len(e.made), err)
		}
	}
}

func TestAnImageThatIsMissingAndCannotBePulledIsInvalid(t *testing.T) {
	images, e := newImages(t)
	byID := wanting("")
	byID.Spec.Image = "sha256:" + strings.Repeat("0123456789abcdef", 4)
	for _, wanted := range []*v1alpha1.Container{wanting(v1alpha1.ContainerPullNever), byID} {
		err := images.Ensure(as(t, "ann"), wanted)
		if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "spec.image: Not found") || len(e.made) > 0 {
			t.Errorf("%+v: %d pulls: %v", wanted.Spec, len(e.made), err)
		}
	}
}
