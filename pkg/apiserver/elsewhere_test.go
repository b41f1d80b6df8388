// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
)

func TestNothingIsCreatedInAnotherNamespace(t *testing.T) {
	server := serveNoEngine(t, false, func(c *ExtraConfig) { c.Engine.Access = connection.Full })
	status, body := do(t, server, http.MethodGet, groupPath, "")
	check(t, status, body, http.StatusOK)
	var list metav1.APIResourceList
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatal(err)
	}
	created := 0
	for _, resource := range list.APIResources {
		if strings.Contains(resource.Name, "/") || !slices.Contains(resource.Verbs, "create") {
			continue
		}
		created++
		path := groupPath + "/namespaces/other/" + resource.Name
		object := fmt.Sprintf(`{"apiVersion":"containers.rancherdesktop.io/v1alpha1","kind":%q,"metadata":{"name":"x"}}`, resource.Kind)
		for _, query := range []string{"", "?dryRun=All"} {
			status, body := do(t, server, http.MethodPost, path+query, object, "Content-Type: application/json")
			check(t, status, body, http.StatusNotFound, `namespaces \"other\" not found: `, `\"rancher-desktop\"`, `"kind":"namespaces"`)
		}
		if slices.Contains(resource.Verbs, "patch") {
			status, body := do(t, server, http.MethodPatch, path+"/x?fieldManager=test", object, "Content-Type: application/apply-patch+yaml")
			check(t, status, body, http.StatusNotFound, `\"other\"`)
		}
	}
	if created == 0 {
		t.Error("nothing can be created")
	}
}
