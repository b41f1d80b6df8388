// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"net/http"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source/sourcetest"
)

func isRetried(err error) bool {
	_, isRetried := apierrors.SuggestsClientDelay(err)
	return isRetried
}

func TestAChangeWhoseAnswerIsLostIsNotRetried(t *testing.T) {
	imageA := "sha256:" + dockertest.IDA
	f := startFake(t)
	f.handle("GET /containers/"+dockertest.IDA+"/json", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, sourcetest.Container(func(r *container.InspectResponse) { r.State.Status = "running" }))
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
		"POST /containers/" + dockertest.IDA + "/restart": func() error { return x.Containers().Update(t.Context(), dockertest.IDA, running, restart) },
		"POST /containers/" + dockertest.IDA + "/stop":    func() error { return x.Containers().Update(t.Context(), dockertest.IDA, running, stopped) },
		"DELETE /containers/" + dockertest.IDA:            func() error { return x.Containers().Delete(t.Context(), dockertest.IDA, stopped) },
		"DELETE /images/" + imageA:                        func() error { return x.Images().Delete(t.Context(), imageA, &v1alpha1.Image{}) },
	} {
		f.handle(request, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		if err := change(); !apierrors.IsServiceUnavailable(err) || isRetried(err) || !dockertest.Contains(err, "may have carried it out") {
			t.Errorf("%s: %v", request, err)
		}
	}
	if err := x.Containers().Update(t.Context(), dockertest.IDA, running, deleted); !apierrors.IsServiceUnavailable(err) || isRetried(err) {
		t.Errorf("graceful deletion: %v", err)
	}
}
