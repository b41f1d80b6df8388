// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"

	"k8s.io/apiserver/pkg/admission"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// applyAdmission completes the admission plugins of the configuration.
func (c CompletedConfig) applyAdmission() error {
	if c.generic.AdmissionControl != nil {
		c.generic.AdmissionControl = exceptLogs{c.generic.AdmissionControl}
	}
	if c.extra.AllowNamespaceDeletion {
		return nil
	}
	plugin, err := newNamespaceDeletion(c.extra.Engine.Namespace, c.controlPlane)
	if err != nil {
		return err
	}
	plugins := []admission.Interface{plugin}
	if c.generic.AdmissionControl != nil {
		plugins = append(plugins, c.generic.AdmissionControl)
	}
	c.generic.AdmissionControl = admission.NewChainHandler(plugins...)
	return nil
}

// exceptLogs are admission plugins that are not asked about logs. A rest.Connecter serves a log here. In Kubernetes a log is read
// as any other object, and a read is not admitted.
type exceptLogs struct{ admission.Interface }

var (
	_ admission.MutationInterface   = exceptLogs{}
	_ admission.ValidationInterface = exceptLogs{}
)

// Admit implements admission.MutationInterface.
func (e exceptLogs) Admit(ctx context.Context, attributes admission.Attributes, objects admission.ObjectInterfaces) error {
	if plugins, ok := e.Interface.(admission.MutationInterface); ok && !isLog(attributes) {
		return plugins.Admit(ctx, attributes, objects)
	}
	return nil
}

// Validate implements admission.ValidationInterface.
func (e exceptLogs) Validate(ctx context.Context, attributes admission.Attributes, objects admission.ObjectInterfaces) error {
	if plugins, ok := e.Interface.(admission.ValidationInterface); ok && !isLog(attributes) {
		return plugins.Validate(ctx, attributes, objects)
	}
	return nil
}

func isLog(attributes admission.Attributes) bool {
	return attributes.GetOperation() == admission.Connect && attributes.GetResource().Group == v1alpha1.GroupName &&
		attributes.GetSubresource() == "log"
}
