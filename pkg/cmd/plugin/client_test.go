// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func TestTheBeginningOfAnIDMeansTheOnlyObjectThatHasIt(t *testing.T) {
	networks := &v1alpha1.NetworkList{Items: []v1alpha1.Network{
		{Status: v1alpha1.NetworkStatus{ID: "abc1"}}, {Status: v1alpha1.NetworkStatus{ID: "abd2"}}, {Status: v1alpha1.NetworkStatus{ID: "front"}},
	}}
	resource := v1alpha1.Resource("networks")
	forbidden, broken := apierrors.NewForbidden(resource, "", errors.New("no right to list")), errors.New("the server does not answer")
	for _, test := range []struct {
		part    string
		listErr error
		id      string
		want    string // the error
	}{
		{"abc", nil, "abc1", ""},
		{"ab", nil, "", "the IDs of 2 networks begin with ab"},
		{"ac", nil, "", "no such network: ac"},
		{"front", nil, "", "no such network: front"},
		{"front", broken, "", "no such network: front"}, // it cannot be part of an ID, so nobody looks
		{"abc", forbidden, "", "no such network: abc"},
		{"abc", broken, "", broken.Error()},
	} {
		list := func(context.Context, metav1.ListOptions) (*v1alpha1.NetworkList, error) {
			return networks, test.listErr
		}
		found, err := byPartOfID(t.Context(), test.part, apierrors.NewNotFound(resource, test.part), list, func(n *v1alpha1.Network) string { return n.Status.ID })
		var id, problem string
		if err != nil {
			problem = explain(err)
		} else {
			id = found.Status.ID
		}
		if id != test.id || problem != test.want {
			t.Errorf("%s, with the list's error %v: %q %q, want %q %q", test.part, test.listErr, id, problem, test.id, test.want)
		}
	}
}
