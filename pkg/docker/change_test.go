// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func isRetried(err error) bool {
	_, isRetried := apierrors.SuggestsClientDelay(err)
	return isRetried
}

func TestAChangeWhoseAnswerIsLostIsNotRetried(t *testing.T) {
	imageA := "sha256:" + idA
	f := startFake(t)
	f.handle("GET /containers/"+idA+"/json", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, inspected(func(r *container.InspectResponse) { r.State.Status = "running" }))
	})
	f.handle("GET /images/"+imageA+"/json", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, image.InspectResponse{ID: imageA})
	})
	x := connectFake(t, f)
	running := &v1alpha1.Container{Spec: v1alpha1.ContainerSpec{State: v1alpha1.ContainerStateRunning}}
	restart, stopped, deleted := running.DeepCopy(), running.DeepCopy(), running.DeepCopy()
	action("restart")(restart)
	state(v1alpha1.ContainerStateCreated)(stopped)
	deletion(1)(deleted)
	for request, change := range map[string]func() error{
		"POST /containers/" + idA + "/restart": func() error { return x.Containers().Update(t.Context(), idA, running, restart) },
		"POST /containers/" + idA + "/stop":    func() error { return x.Containers().Update(t.Context(), idA, running, stopped) },
		"DELETE /containers/" + idA:            func() error { return x.Containers().Delete(t.Context(), idA, stopped) },
		"DELETE /images/" + imageA:             func() error { return x.Images().Delete(t.Context(), imageA, &v1alpha1.Image{}) },
	} {
		f.handle(request, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		if err := change(); !apierrors.IsServiceUnavailable(err) || isRetried(err) || !contains(err, "may have carried it out") {
			t.Errorf("%s: %v", request, err)
		}
	}
	if err := x.Containers().Update(t.Context(), idA, running, deleted); !apierrors.IsServiceUnavailable(err) || isRetried(err) {
		t.Errorf("graceful deletion: %v", err)
	}
}

func TestAChangeThatEndsWithTheServerIsNotRetried(t *testing.T) {
	f := startFake(t)
	ctx, cancel := context.WithCancel(t.Context())
	f.handle("DELETE /containers/"+idA, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	x := connectFake(t, f)
	c, err := x.current()
	must(t, err)
	err = apiError("delete", containerResource, "web", x.Containers().remove(ctx, c, idA, true))
	if !apierrors.IsTimeout(err) || isRetried(err) || !contains(err, "may have carried it out") {
		t.Errorf("%v", err)
	}
}

func TestAChangeThatWasNotSentIsRetried(t *testing.T) {
	nobody, err := client.NewClientWithOpts(client.WithHost("unix://" + filepath.Join(t.TempDir(), "none.sock")))
	must(t, err)
	err = (&Containers{}).remove(t.Context(), &connection{client: nobody}, idA, true)
	if err := apiError("delete", containerResource, "web", err); !apierrors.IsServiceUnavailable(err) || !isRetried(err) {
		t.Errorf("%v", err)
	}
}
