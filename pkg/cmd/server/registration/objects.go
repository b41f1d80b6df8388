// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	netutils "k8s.io/utils/net"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	"github.com/rancher-sandbox/engine-apiserver/artifacts"
)

const (
	// Names in the manifests that Options replace.
	manifestService         = "engine-apiserver"
	manifestEngineNamespace = "rancher-desktop"

	portName = "https"
)

// manifests are the files of a registration, in the order in which they are applied.
var manifests = []string{"registration/namespaces.yaml", "registration/rbac.yaml", "registration/clusterroles.yaml", apiServiceManifest}

const apiServiceManifest = "registration/apiservice.yaml"

// Options describe the server to register.
type Options struct {
	// Service leads to the server. Its port is the server's port.
	Service Service
	// Host is the name or the IP address at which the cluster reaches the server.
	Host string
	// Namespace is the Kubernetes namespace in which the server shows the engine.
	Namespace string
	// User is the name of the server's user in the cluster.
	User string
	// Authority is the PEM-encoded certificate authority of the server.
	Authority []byte
	// Policy says what happens to the policies for servers with full access.
	Policy Policy
}

// WriteYAML writes the manifests of a registration.
func (o Options) WriteYAML(out io.Writer) error {
	objects, err := o.objects()
	if err != nil {
		return err
	}
	var endpoints []string
	if netutils.IsIPv6String(o.Host) {
		endpoints = []string{o.Host}
	}
	service, err := o.serviceObjects(endpoints)
	if err != nil {
		return err
	}
	for i, object := range inOrder(objects, service) {
		content, err := yaml.Marshal(object.Object)
		if err != nil {
			return err
		}
		if i > 0 {
			content = append([]byte("---\n"), content...)
		}
		if _, err := out.Write(content); err != nil {
			return err
		}
	}
	return nil
}

// inOrder inserts the Service and its EndpointSlice behind the Namespaces, so that their namespace exists first.
func inOrder(objects, service []*unstructured.Unstructured) []*unstructured.Unstructured {
	i := slices.IndexFunc(objects, func(object *unstructured.Unstructured) bool { return object.GetKind() != "Namespace" })
	return slices.Insert(slices.Clone(objects), i, service...)
}

// objects returns the objects of a registration, except for the Service and its EndpointSlice.
func (o Options) objects() ([]*unstructured.Unstructured, error) {
	names := manifests
	if o.Policy == PolicyRestricted {
		names = slices.Insert(slices.Clone(names), len(names)-1, policyManifest) // before the APIService makes the server available
	}
	objects, err := load(names...)
	if err != nil {
		return nil, err
	}
	var result []*unstructured.Unstructured
	for _, object := range objects {
		if err := o.fill(object); err != nil {
			return nil, fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
		}
		label(object)
		if slices.ContainsFunc(result, func(other *unstructured.Unstructured) bool {
			return other.GetKind() == object.GetKind() && other.GetName() == object.GetName() && other.GetNamespace() == object.GetNamespace()
		}) {
			continue // the Service and the engine share one namespace
		}
		result = append(result, object)
	}
	return result, nil
}

// fill replaces the names in a manifest by those of the options.
func (o Options) fill(object *unstructured.Unstructured) error {
	if object.GetNamespace() == manifestService {
		object.SetNamespace(o.Service.Namespace)
	}
	switch object.GetKind() {
	case "Namespace":
		object.SetName(map[string]string{manifestService: o.Service.Namespace, manifestEngineNamespace: o.Namespace}[object.GetName()])
	case "RoleBinding", "ClusterRoleBinding":
		subject, err := runtime.DefaultUnstructuredConverter.ToUnstructured(ptr.To(subject(o.User)))
		if err != nil {
			return err
		}
		return unstructured.SetNestedSlice(object.Object, []any{subject}, "subjects")
	case "Role":
		return edit(object, func(role *rbacv1.Role) {
			for i := range role.Rules {
				role.Rules[i].ResourceNames = []string{o.Service.Name}
			}
		})
	case "APIService":
		return edit(object, func(apiService *apiregistrationv1.APIService) {
			apiService.Spec.CABundle = o.Authority
			apiService.Spec.Service = o.Service.reference()
		})
	}
	return nil
}

func (s Service) reference() *apiregistrationv1.ServiceReference {
	return &apiregistrationv1.ServiceReference{Namespace: s.Namespace, Name: s.Name, Port: &s.Port}
}

// subject returns the RBAC subject of a user.
func subject(user string) rbacv1.Subject {
	if namespace, name, err := serviceaccount.SplitUsername(user); err == nil {
		return rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: name}
	}
	return rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}
}

// serviceObjects returns the Service that leads to the server. With endpoints it is a Service with an EndpointSlice of
// these addresses, else a Service of type ExternalName.
func (o Options) serviceObjects(endpoints []string) ([]*unstructured.Unstructured, error) {
	meta := metav1.ObjectMeta{Namespace: o.Service.Namespace, Name: o.Service.Name}
	service := &corev1.Service{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: meta.Namespace, Name: meta.Name,
			Annotations: map[string]string{bundleAnnotation: string(o.Authority)},
		},
		Spec: corev1.ServiceSpec{
			Type:         corev1.ServiceTypeExternalName,
			ExternalName: strings.TrimSuffix(strings.ToLower(o.Host), "."),
			Ports:        []corev1.ServicePort{{Name: portName, Protocol: corev1.ProtocolTCP, Port: o.Service.Port}},
		},
	}
	if endpoints == nil {
		return encode(service)
	}
	service.Spec.Type, service.Spec.ExternalName = corev1.ServiceTypeClusterIP, ""
	slice := &discoveryv1.EndpointSlice{
		TypeMeta:    metav1.TypeMeta{APIVersion: "discovery.k8s.io/v1", Kind: "EndpointSlice"},
		ObjectMeta:  meta,
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints:   []discoveryv1.Endpoint{{Addresses: endpoints, Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(true)}}},
		Ports:       []discoveryv1.EndpointPort{{Name: ptr.To(portName), Protocol: ptr.To(corev1.ProtocolTCP), Port: &o.Service.Port}},
	}
	if netutils.IsIPv6String(endpoints[0]) {
		slice.AddressType = discoveryv1.AddressTypeIPv6
	}
	slice.Labels = map[string]string{discoveryv1.LabelServiceName: o.Service.Name, discoveryv1.LabelManagedBy: fieldManager}
	return encode(service, slice)
}

// apiServiceFor returns the APIService for an existing Service.
func apiServiceFor(reference Service, service *corev1.Service) (*apiregistrationv1.APIService, error) {
	objects, err := load(apiServiceManifest)
	if err != nil {
		return nil, err
	}
	label(objects[0])
	if len(service.Spec.Ports) > 0 {
		reference.Port = service.Spec.Ports[0].Port
	}
	apiService := &apiregistrationv1.APIService{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(objects[0].Object, apiService); err != nil {
		return nil, err
	}
	apiService.Spec.Service = reference.reference()
	return apiService, nil
}

// load reads the objects in the named manifests.
func load(names ...string) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	for _, name := range names {
		content, err := fs.ReadFile(artifacts.Manifests, name)
		if err != nil {
			return nil, err
		}
		decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), len(content))
		for {
			object := &unstructured.Unstructured{}
			err := decoder.Decode(object)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			objects = append(objects, object)
		}
	}
	return objects, nil
}

// encode turns typed objects into objects for server-side apply. They hold only the fields that are set, because apply
// makes the server the owner of each field.
func encode(objects ...runtime.Object) ([]*unstructured.Unstructured, error) {
	var result []*unstructured.Unstructured
	for _, typed := range objects {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(typed)
		if err != nil {
			return nil, err
		}
		object := &unstructured.Unstructured{Object: content}
		label(object)
		prune(object)
		result = append(result, object)
	}
	return result, nil
}

// edit changes an object through its Go type.
func edit[T any](object *unstructured.Unstructured, change func(*T)) error {
	typed := new(T)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, typed); err != nil {
		return err
	}
	change(typed)
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(typed)
	if err != nil {
		return err
	}
	object.Object = content
	prune(object)
	return nil
}

// prune removes the fields that the conversion from a Go type adds although they are not set.
func prune(object *unstructured.Unstructured) {
	delete(object.Object, "status")
	unstructured.RemoveNestedField(object.Object, "metadata", "creationTimestamp")
	if ports, found, _ := unstructured.NestedSlice(object.Object, "spec", "ports"); found {
		for _, port := range ports {
			delete(port.(map[string]any), "targetPort") // the conversion adds 0, which Kubernetes refuses
		}
		_ = unstructured.SetNestedSlice(object.Object, ports, "spec", "ports")
	}
}

func label(object *unstructured.Unstructured) {
	labels := object.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[Label] = APIServiceName
	object.SetLabels(labels)
}
