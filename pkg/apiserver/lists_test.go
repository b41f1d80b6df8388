// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/storage"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/livestore"
)

func TestListsAreEncodedAsIfTheirItemsWereNotShared(t *testing.T) {
	now := metav1.NewTime(time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC))
	metadata := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: "ns", Name: name, UID: "1", CreationTimestamp: now, Labels: map[string]string{"b": "<&>", "a": ""}}
	}
	for name, kind := range map[string]struct {
		newFunc, newListFunc func() runtime.Object
		objects              map[string]runtime.Object
	}{
		"containers": {
			func() runtime.Object { return &v1alpha1.Container{} },
			func() runtime.Object { return &v1alpha1.ContainerList{} },
			map[string]runtime.Object{
				"ns/a": &v1alpha1.Container{ObjectMeta: metadata("a"), Spec: v1alpha1.ContainerSpec{State: v1alpha1.ContainerStateRunning},
					Status: v1alpha1.ContainerStatus{ID: "1", Args: []string{"\"items\":[]}\n"}, ExitCode: 3, StartedAt: &now}},
				"ns/b": &v1alpha1.Container{ObjectMeta: metadata("b")},
			},
		},
		"images": {
			func() runtime.Object { return &v1alpha1.Image{} },
			func() runtime.Object { return &v1alpha1.ImageList{} },
			map[string]runtime.Object{"ns/a": &v1alpha1.Image{ObjectMeta: metadata("a"), Status: v1alpha1.ImageStatus{RepoTag: "a:b"}}},
		},
		"volumes": {
			func() runtime.Object { return &v1alpha1.Volume{} },
			func() runtime.Object { return &v1alpha1.VolumeList{} },
			nil,
		},
	} {
		store := livestore.New(livestore.Config{
			Versions: livestore.NewVersions(1), Resource: v1alpha1.Resource(name), Prefix: "/" + name + "/",
			NewFunc: kind.newFunc, Source: livestore.NewStatic(v1alpha1.Resource(name), kind.objects),
		})
		t.Cleanup(store.Stop)
		if err := store.Resync(context.Background()); err != nil {
			t.Fatal(err)
		}
		list := livestore.NewList(kind.newListFunc)
		if err := store.GetList(t.Context(), "/"+name+"/", storage.ListOptions{Predicate: storage.Everything, Recursive: true}, list); err != nil {
			t.Fatal(err)
		}
		if len(list.Items) != len(kind.objects) {
			t.Fatalf("%s: %d items", name, len(list.Items))
		}
		for what, encoder := range groupEncoders() {
			var shared, ordinary bytes.Buffer
			if err := errors.Join(encoder.Encode(list, &shared), encoder.Encode(list.GetObject(), &ordinary)); err != nil {
				t.Fatal(name, what, err)
			}
			if !bytes.Equal(shared.Bytes(), ordinary.Bytes()) {
				t.Errorf("%s as %s:\n%s\nnot\n%s", name, what, &shared, &ordinary)
			}
		}
	}
}

// groupEncoders returns the encoders that clients of the API group can ask for.
func groupEncoders() map[string]runtime.Encoder {
	group := genericapiserver.NewDefaultAPIGroupInfo(v1alpha1.GroupName, Scheme, metav1.ParameterCodec, Codecs)
	codecs := withoutProtobuf{group.NegotiatedSerializer}
	result := map[string]runtime.Encoder{}
	for _, info := range codecs.SupportedMediaTypes() {
		result[info.MediaType] = codecs.EncoderForVersion(info.Serializer, v1alpha1.SchemeGroupVersion)
		if info.PrettySerializer != nil {
			result[info.MediaType+", pretty"] = codecs.EncoderForVersion(info.PrettySerializer, v1alpha1.SchemeGroupVersion)
		}
	}
	return result
}
