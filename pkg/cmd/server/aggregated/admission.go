// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregated

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	mutatingpolicy "k8s.io/apiserver/pkg/admission/plugin/policy/mutating"
	validatingpolicy "k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	webhookinitializer "k8s.io/apiserver/pkg/admission/plugin/webhook/initializer"
	mutatingwebhook "k8s.io/apiserver/pkg/admission/plugin/webhook/mutating"
	validatingwebhook "k8s.io/apiserver/pkg/admission/plugin/webhook/validating"
	genericapiserver "k8s.io/apiserver/pkg/server"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
)

// AdmissionVersion is the version of policies and webhooks that the server reads.
var AdmissionVersion = admissionregistrationv1.SchemeGroupVersion

// admissionPlugins are the generic admission plugins by which a cluster decides about changes, in the order of their calls. Each
// reads its resources from the control plane. NamespaceLifecycle is not one of them: the engine is shown whether or not the
// Namespace object exists.
var admissionPlugins = []struct {
	name      string
	resources []string
}{
	{mutatingpolicy.PluginName, []string{"mutatingadmissionpolicies", "mutatingadmissionpolicybindings"}},
	{mutatingwebhook.PluginName, []string{"mutatingwebhookconfigurations"}},
	{validatingpolicy.PluginName, []string{"validatingadmissionpolicies", "validatingadmissionpolicybindings"}},
	{validatingwebhook.PluginName, []string{"validatingwebhookconfigurations"}},
}

// selectionRights are the rights that all admission plugins need: policies and webhooks select by Namespace, and a webhook may be
// a Service.
var selectionRights = []right{
	{Verb: "get", Resource: "namespaces"},
	{Verb: "list", Resource: "namespaces"},
	{Verb: "watch", Resource: "namespaces"},
	{Verb: "get", Resource: "services"},
}

// Admission is what a control plane has to decide about changes.
type Admission struct {
	// Missing are the resources that the control plane does not have. What they would say does not apply to the server.
	Missing []string

	plugins []string
}

// CheckAdmission returns what the control plane has to decide about changes. Its error has the same meaning as that of Check. A
// server that lacks the rights to read the cluster's policies must not serve: it would not know what they forbid.
func (c *ControlPlane) CheckAdmission(ctx context.Context) (Admission, error) {
	served := &metav1.APIResourceList{}
	err := c.core.Discovery().RESTClient().Get().AbsPath("/apis", AdmissionVersion.String()).Do(ctx).Into(served)
	if err != nil && !apierrors.IsNotFound(err) {
		return Admission{}, c.core.classify(ctx, err)
	}
	var admission Admission
	var rights []right
	for _, plugin := range admissionPlugins {
		for _, resource := range plugin.resources {
			if !slices.ContainsFunc(served.APIResources, func(r metav1.APIResource) bool { return r.Name == resource }) {
				admission.Missing = append(admission.Missing, resource)
				continue
			}
			for _, verb := range []string{"list", "watch"} {
				rights = append(rights, right{Verb: verb, Group: AdmissionVersion.Group, Resource: resource})
			}
			if !slices.Contains(admission.plugins, plugin.name) {
				admission.plugins = append(admission.plugins, plugin.name)
			}
		}
	}
	if len(admission.plugins) == 0 {
		return admission, nil
	}
	if pending, err := c.core.missing(ctx, append(rights, selectionRights...)); err != nil {
		return Admission{}, err
	} else if pending != nil {
		return Admission{}, pending
	}
	return admission, nil
}

// ApplyAdmission makes the policies and webhooks of the control plane decide about the server's changes. It needs what ApplyTo sets,
// and the loopback client.
func (o *Options) ApplyAdmission(config *genericapiserver.RecommendedConfig, admission Admission) error {
	if len(admission.plugins) == 0 {
		return nil
	}
	unlimited := rest.CopyConfig(config.ClientConfig)
	unlimited.QPS = -1 // a write must not wait for the lookups of other writes
	client, err := kubernetes.NewForConfig(unlimited)
	if err != nil {
		return err
	}
	dynamicClient, err := dynamic.NewForConfig(unlimited)
	if err != nil {
		return err
	}
	schemas, err := newOwnSchemas(client, config.LoopbackClientConfig)
	if err != nil {
		return err
	}
	options := genericoptions.NewAdmissionOptions()
	options.RecommendedPluginOrder = admission.plugins
	return options.ApplyTo(&config.Config, config.SharedInformerFactory, client, dynamicClient, utilfeature.DefaultFeatureGate, config.EffectiveVersion,
		webhookinitializer.NewPluginInitializer(nil, services{client.CoreV1()}), schemas)
}

// services finds the addresses of webhooks that are Services.
type services struct{ client corev1client.ServicesGetter }

// ResolveEndpoint implements webhook.ServiceResolver. It returns the cluster IP of a Service, as kube-apiserver does: the machine of a
// server that runs beside the cluster may not resolve the names of Services.
func (s services) ResolveEndpoint(namespace, name string, port int32) (*url.URL, error) {
	ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
	defer cancel()
	service, err := s.client.Services(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("looking up the Service %s/%s of a webhook: %w", namespace, name, err)
	}
	host := service.Spec.ClusterIP
	switch {
	case service.Spec.Type == corev1.ServiceTypeExternalName:
		host = service.Spec.ExternalName
	case host == "", host == corev1.ClusterIPNone:
		return nil, fmt.Errorf("the Service %s/%s of a webhook has no cluster IP: give it one, or name the webhook by its URL", namespace, name)
	}
	return &url.URL{Scheme: "https", Host: net.JoinHostPort(host, strconv.Itoa(int(port)))}, nil
}
