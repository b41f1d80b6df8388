// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"errors"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

var errRefused = errors.New("refused")

// refusing refuses everything that it is asked about.
type refusing struct{ *admission.Handler }

func (refusing) Admit(context.Context, admission.Attributes, admission.ObjectInterfaces) error {
	return errRefused
}

func (refusing) Validate(context.Context, admission.Attributes, admission.ObjectInterfaces) error {
	return errRefused
}

func TestAdmissionIsAskedAboutEveryConnectionButLogs(t *testing.T) {
	everything := refusing{admission.NewHandler(admission.Create, admission.Update, admission.Delete, admission.Connect)}
	for _, test := range []struct {
		operation             admission.Operation
		group                 string
		resource, subresource string
		asked                 bool
	}{
		{admission.Connect, v1alpha1.GroupName, "containers", "log", false},
		{admission.Connect, v1alpha1.GroupName, "imagepullrequests", "log", false},
		{admission.Connect, v1alpha1.GroupName, "containers", "exec", true},
		{admission.Connect, v1alpha1.GroupName, "containers", "archive", true},
		{admission.Connect, "another.example.net", "containers", "log", true},
		{admission.Create, v1alpha1.GroupName, "containers", "kill", true},
		{admission.Update, v1alpha1.GroupName, "containers", "", true},
		{admission.Delete, v1alpha1.GroupName, "containers", "", true},
	} {
		attributes := admission.NewAttributesRecord(nil, nil, schema.GroupVersionKind{}, "ns", "web",
			schema.GroupVersionResource{Group: test.group, Version: "v1alpha1", Resource: test.resource}, test.subresource, test.operation, nil, false, nil)
		plugins := exceptLogs{everything}
		for _, err := range []error{plugins.Admit(t.Context(), attributes, nil), plugins.Validate(t.Context(), attributes, nil)} {
			if asked := errors.Is(err, errRefused); asked != test.asked {
				t.Errorf("%s %s/%s of %s: asked %t", test.operation, test.resource, test.subresource, test.group, asked)
			}
		}
	}
}
