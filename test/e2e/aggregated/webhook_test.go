// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregated_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

// webhook is an admission webhook of the cluster, which runs in the test.
type webhook struct {
	*httptest.Server
	mu    sync.Mutex
	asked map[string]*admissionv1.AdmissionRequest // the last request for each operation and resource, such as CREATE containers/kill
}

// newWebhook starts a webhook that gives each request the answer of decide.
func newWebhook(t *testing.T, decide func(*admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse) *webhook {
	t.Helper()
	w := &webhook{asked: map[string]*admissionv1.AdmissionRequest{}}
	w.Server = httptest.NewTLSServer(http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		var review admissionv1.AdmissionReview
		if err := json.NewDecoder(request.Body).Decode(&review); err != nil || review.Request == nil {
			http.Error(response, fmt.Sprintf("no AdmissionReview: %v", err), http.StatusBadRequest)
			return
		}
		w.note(review.Request)
		review.Response = decide(review.Request)
		review.Response.UID = review.Request.UID
		response.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(response).Encode(review)
	}))
	t.Cleanup(w.Close)
	return w
}

func (w *webhook) note(request *admissionv1.AdmissionRequest) {
	asks := string(request.Operation) + " " + request.Resource.Resource
	if request.SubResource != "" {
		asks += "/" + request.SubResource
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked[asks] = request
}

// last returns the last request for an operation and a resource, or nil.
func (w *webhook) last(asks string) *admissionv1.AdmissionRequest {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked[asks]
}

// configuration returns a configuration by which the cluster asks the webhook about changes in the namespace of the engine.
// kind is Validating or Mutating.
func (w *webhook) configuration(kind, name, rule string) string {
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.Certificate().Raw})
	return fmt.Sprintf(`
apiVersion: admissionregistration.k8s.io/v1
kind: %sWebhookConfiguration
metadata: {name: %s}
webhooks:
- name: test.example.net
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Fail
  clientConfig: {url: %q, caBundle: %s}
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: rancher-desktop}}
  rules: [%s]
`, kind, name, w.URL, base64.StdEncoding.EncodeToString(authority), rule)
}

func deny(reason string) func(*admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
	return func(*admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
		return &admissionv1.AdmissionResponse{Result: &metav1.Status{Message: reason}}
	}
}

func TestAWebhookIsAskedAboutEveryChange(t *testing.T) {
	serve(t, "--engine-access=full")
	k := kubectl.Any(t, cluster.Admin())
	made := newThings(t)
	const reason = "the webhook says no"
	w := newWebhook(t, deny(reason))
	enforce(t, w.configuration("Validating", "refuses", everyChange), pauseSays(t, made.container, reason))
	writes := made.writes(k)
	made.areRefused(t, writes, reason)
	for _, write := range writes {
		request := w.last(write.asks)
		if request == nil {
			t.Errorf("%s: the webhook was not asked about %s", write.name, write.asks)
			continue
		}
		content := request.Object.Raw
		if request.Operation == admissionv1.Delete {
			content = request.OldObject.Raw
		}
		var object unstructured.Unstructured
		if err := json.Unmarshal(content, &object); err != nil || object.GetKind() != request.Kind.Kind || object.GroupVersionKind().Version != request.Kind.Version ||
			request.Namespace != namespace || request.UserInfo.Username != "admin" {
			t.Errorf("%s: %v: the webhook was asked by %s about the %s %s in %s", write.name, err, request.UserInfo.Username, request.Kind, content, request.Namespace)
		}
	}
}

// patches returns the answer of a mutating webhook.
func patches(patch string) *admissionv1.AdmissionResponse {
	kind := admissionv1.PatchTypeJSONPatch
	return &admissionv1.AdmissionResponse{Allowed: true, PatchType: &kind, Patch: []byte(patch)}
}

func TestWhatAMutatingWebhookChangesArrives(t *testing.T) {
	serve(t, "--engine-access=full")
	k := kubectl.Any(t, cluster.Admin())
	name, _ := run(t, "changed")
	w := newWebhook(t, func(request *admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
		switch request.Kind.Kind {
		case "Container":
			return patches(`[{"op":"replace","path":"/spec/state","value":"created"}]`)
		case "ImagePullRequest":
			return patches(`[{"op":"replace","path":"/spec/ttlSecondsAfterFinished","value":777},{"op":"replace","path":"/spec/repoTag","value":"busybox:latest"}]`)
		}
		return &admissionv1.AdmissionResponse{Allowed: true}
	})
	rule := `{apiGroups: [containers.rancherdesktop.io], apiVersions: ["*"], operations: [CREATE, UPDATE], resources: [containers, imagepullrequests]}`
	enforce(t, w.configuration("Mutating", "changes", rule), pauseSays(t, name, "state: created"))

	k.OK(t, "patch", "ctr", name, "-n", namespace, "--type=merge", "-p", `{"spec":{"state":"paused"}}`)
	found, err := docker.Client().ContainerInspect(t.Context(), name)
	if err != nil || found.State.Status != "exited" {
		t.Errorf("the container is %+v, %v", found.State, err)
	}

	pull := engine.UniqueName("changed")
	k.Apply(t, fmt.Sprintf(`{"apiVersion":"containers.rancherdesktop.io/v1alpha1","kind":"ImagePullRequest","metadata":{"name":%q,"namespace":%q},"spec":{"repoTag":"127.0.0.1:9/nothing:v1","policy":"IfNotPresent"}}`, pull, namespace))
	kubectl.Contains(t, k.OK(t, "get", "pull", pull, "-n", namespace, "-o", "jsonpath={.spec.repoTag} {.spec.ttlSecondsAfterFinished}"), "busybox:latest 777")
	k.OK(t, "wait", "pull/"+pull, "-n", namespace, "--for=condition=Complete", "--timeout=60s")
}
