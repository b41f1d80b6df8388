// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// try sends a request that must succeed and must not change anything. It returns the answer.
func (f *fixture) try(t *testing.T, r request) response {
	t.Helper()
	answer := f.send(t, r)
	if answer.StatusCode != http.StatusOK {
		t.Errorf("%s: %d %.300s", r, answer.StatusCode, answer.body)
	}
	for _, asked := range f.proxy.Requests() {
		if asked.Method != http.MethodGet && asked.Method != http.MethodHead {
			t.Errorf("%s: the engine was asked to %s", r, asked)
		}
	}
	f.checkVictims(t)
	return answer
}

// dryRun is the query of a request that changes nothing.
const dryRun = "?dryRun=All"

func TestADryRunOfDeleteAnswersAsDeleteDoes(t *testing.T) {
	f := start(t)
	for _, path := range []string{f.containerPath(), namespace + "/containers/" + f.id[:12], namespace + "/images/" + f.image, namespace + "/volumes/" + f.volume, namespace + "/networks/" + f.network} {
		var object metav1.PartialObjectMetadata
		f.send(t, request{method: http.MethodGet, path: path}).into(t, &object)
		for _, r := range []request{
			{method: http.MethodDelete, path: path + dryRun},
			{method: http.MethodDelete, path: path + dryRun + "&gracePeriodSeconds=0"},
			{method: http.MethodDelete, path: path, body: `{"dryRun":["All"]}`},
			{method: http.MethodDelete, path: path, body: fmt.Sprintf(`{"dryRun":["All"],"gracePeriodSeconds":5,"preconditions":{"uid":%q}}`, object.UID)},
		} {
			var status metav1.Status
			f.try(t, r).into(t, &status)
			if status.Status != metav1.StatusSuccess || status.Details == nil || status.Details.UID != object.UID || status.Details.Name != object.Name {
				t.Errorf("%s: %+v, want a success for %s %s", r, status, object.Name, object.UID)
			}
		}
		f.refuse(t, request{method: http.MethodDelete, path: path + dryRun, body: `{"preconditions":{"uid":"x"}}`}, http.StatusConflict)
	}
	f.refuse(t, request{method: http.MethodDelete, path: namespace + "/containers/" + engine.UniqueName("missing") + dryRun}, http.StatusNotFound)
}

func TestADryRunOfDeleteCollectionAnswersAsDeleteCollectionDoes(t *testing.T) {
	f := start(t)
	for kind, name := range map[string]string{"containers": f.container, "images": f.image, "volumes": f.volume, "networks": f.network} {
		for _, query := range []string{dryRun, dryRun + "&gracePeriodSeconds=0", dryRun + "&fieldSelector=metadata.name%3D" + name} {
			var list metav1.PartialObjectMetadataList
			f.try(t, request{method: http.MethodDelete, path: namespace + "/" + kind + query}).into(t, &list)
			found := false
			for _, item := range list.Items {
				found = found || item.Name == name
			}
			if !found {
				t.Errorf("%s%s: %s is not in the answer", kind, query, name)
			}
		}
	}
}

func TestADryRunOfAChangeOfStateAnswersWithTheNewState(t *testing.T) {
	f := start(t)
	for _, state := range []v1alpha1.ContainerState{v1alpha1.ContainerStateCreated, v1alpha1.ContainerStatePaused, v1alpha1.ContainerStateRunning} {
		body := containerNamed(f.container, string(state))
		apply := f.patch(applyPatch, body)
		apply.path += "?fieldManager=test"
		for _, r := range []request{
			f.put(body), apply, f.patch(mergePatch, body),
			f.patch(jsonPatch, fmt.Sprintf(`[{"op":"replace","path":"/spec/state","value":%q}]`, state)),
			f.patch("application/strategic-merge-patch+json", body),
		} {
			if strings.Contains(r.path, "?") {
				r.path += "&dryRun=All"
			} else {
				r.path += dryRun
			}
			var container v1alpha1.Container
			f.try(t, r).into(t, &container)
			if container.Spec.State != state || container.Status.ID != f.id {
				t.Errorf("%s: %+v", r, container)
			}
		}
	}
	for _, r := range []request{f.patch(mergePatch, containerNamed(f.container, "gone")), f.put(containerNamed(f.container, "gone"))} {
		r.path += dryRun
		f.refuse(t, r, http.StatusUnprocessableEntity)
	}
}

func TestADryRunOfAnActionDoesNotAct(t *testing.T) {
	f := start(t)
	for _, action := range []string{"start", "stop", "pause", "unpause", "restart"} {
		for _, r := range f.mergeAndPut(fmt.Sprintf(`"annotations":{"containers.rancherdesktop.io/action":%q}`, action), `"state":"running"`) {
			r.path += dryRun
			var container v1alpha1.Container
			f.try(t, r).into(t, &container)
			if container.Status.LastAction != nil {
				t.Errorf("%s: %+v", r, container.Status.LastAction)
			}
		}
	}
	for _, r := range f.mergeAndPut(`"annotations":{"containers.rancherdesktop.io/action":"explode"}`, `"state":"running"`) {
		r.path += dryRun
		f.refuse(t, r, http.StatusUnprocessableEntity)
	}
	var container v1alpha1.Container
	f.send(t, request{method: http.MethodGet, path: f.containerPath()}).into(t, &container)
	if container.Status.LastAction != nil || len(container.Annotations) > 0 {
		t.Errorf("the dry runs left an action or an annotation: %+v %+v", container.Status.LastAction, container.Annotations)
	}
}
