// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package policies_test judges the policies by what they refuse.
package policies_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/discovery/cached/memory"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/restmapper"
	"sigs.k8s.io/yaml"

	"github.com/rancher-sandbox/engine-apiserver/artifacts"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apiserver"
)

const namespace = "rancher-desktop"

// newPlugin returns the generic admission plugin with the objects of a manifest.
func newPlugin(t *testing.T, manifest string) *validating.Plugin {
	t.Helper()
	content, err := fs.ReadFile(artifacts.Manifests, manifest)
	if err != nil {
		t.Fatal(err)
	}
	objects := []runtime.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}}
	for decoder := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content))); ; {
		document, err := decoder.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		object, _, err := scheme.Codecs.UniversalDeserializer().Decode(document, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if policy, ok := object.(*admissionregistrationv1.ValidatingAdmissionPolicy); ok {
			complete(policy)
		}
		objects = append(objects, object)
	}
	client := fake.NewClientset(objects...)
	factory := informers.NewSharedInformerFactory(client, 0)
	plugin, err := validating.NewPlugin(nil)
	if err != nil {
		t.Fatal(err)
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client.Discovery()))
	initializer.New(client, dynamicfake.NewSimpleDynamicClient(scheme.Scheme), factory, authorizerfactory.NewAlwaysAllowAuthorizer(),
		utilfeature.DefaultFeatureGate, apiserver.EffectiveVersion(), t.Context().Done(), mapper).Initialize(plugin)
	if err := plugin.ValidateInitialization(); err != nil {
		t.Fatal(err)
	}
	factory.Start(t.Context().Done())
	factory.WaitForCacheSync(t.Context().Done())
	return plugin
}

// complete sets what kube-apiserver sets by default.
func complete(policy *admissionregistrationv1.ValidatingAdmissionPolicy) {
	everything, equivalent := &metav1.LabelSelector{}, admissionregistrationv1.Equivalent
	constraints := policy.Spec.MatchConstraints
	constraints.NamespaceSelector, constraints.ObjectSelector, constraints.MatchPolicy = everything, everything, &equivalent
}

// a change that is asked about.
type change struct {
	operation             admission.Operation
	resource, subresource string
	kind                  string
	object                runtime.Object
}

func (c change) ask(t *testing.T, plugin *validating.Plugin) error {
	t.Helper()
	attributes := admission.NewAttributesRecord(c.object, nil, v1alpha1.SchemeGroupVersion.WithKind(c.kind), namespace, "web",
		v1alpha1.SchemeGroupVersion.WithResource(c.resource), c.subresource, c.operation, nil, false, nil)
	return plugin.Validate(t.Context(), attributes, admission.NewObjectInterfacesFromScheme(apiserver.Scheme))
}

// decode reads an object strictly, so that no field of a test is a mistake.
func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// judge asks about changes by their specs. A change is refused for the reason, or allowed if there is none.
func judge(t *testing.T, plugin *validating.Plugin, reasons map[string]string, asked func(spec string) change) {
	t.Helper()
	for spec, reason := range reasons {
		err := asked(spec).ask(t, plugin)
		if (err != nil) != (reason != "") || err != nil && !strings.Contains(err.Error(), "denied request: "+reason) {
			t.Errorf("%s: %v, want %q", spec, err, reason)
		}
	}
}

func TestNobodyCreatesAContainerThatIsRootOnTheHost(t *testing.T) {
	judge(t, newPlugin(t, "policies/restricted.yaml"), containerSpecs, func(spec string) change {
		container := &v1alpha1.Container{}
		decode(t, "spec: {image: busybox, "+spec+"}", container)
		return change{admission.Create, "containers", "", "Container", container}
	})
}

func TestNobodyCreatesAVolumeThatIsAPathOfTheHost(t *testing.T) {
	judge(t, newPlugin(t, "policies/restricted.yaml"), volumeSpecs, func(spec string) change {
		volume := &unstructured.Unstructured{}
		decode(t, "{apiVersion: "+v1alpha1.SchemeGroupVersion.String()+", kind: Volume, spec: {"+spec+"}}", &volume.Object)
		return change{admission.Create, "volumes", "", "Volume", volume}
	})
}

func TestNobodyRunsACommandWithAllCapabilities(t *testing.T) {
	judge(t, newPlugin(t, "policies/restricted.yaml"), map[string]string{
		"command: [id]": "", "command: [id], user: root": "", "command: [id], privileged: true": "privileged",
	}, func(options string) change {
		exec := &v1alpha1.ContainerExecOptions{}
		decode(t, "{"+options+"}", exec)
		return change{admission.Connect, "containers", "exec", "ContainerExecOptions", exec}
	})
}

func TestAContainerThatIsThereCanBeStoppedWhateverItIs(t *testing.T) {
	container := &v1alpha1.Container{}
	decode(t, "spec: {image: busybox, state: created, securityContext: {privileged: true}}", container)
	stop := change{admission.Update, "containers", "", "Container", container}
	if err := stop.ask(t, newPlugin(t, "policies/restricted.yaml")); err != nil {
		t.Error(err)
	}
}
