// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/controlplane"
)

const storedGroup = "stored.rancherdesktop.io"

var storedKinds = map[string]string{"containers": "Container", "images": "Image", "volumes": "Volume"}

// newStored starts a control plane that has the server's kinds as custom resources.
func newStored(tb testing.TB) (*controlplane.ControlPlane, *cluster) {
	tb.Helper()
	plane, err := controlplane.Start(controlplane.APIServerArgs(
		// Raise the limits of concurrent requests, so that the control plane does not queue requests of the benchmark.
		"--max-requests-inflight", "3000", "--max-mutating-requests-inflight", "1000"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := plane.Stop(); err != nil {
			tb.Error(err)
		}
	})
	c, err := newCluster(plane.Admin(), storedGroup, append(children(tb, "kube-apiserver"), children(tb, "etcd")...)...)
	if err != nil {
		tb.Fatal(err)
	}
	c.post(tb, "/api/v1/namespaces", map[string]any{"metadata": map[string]any{"name": namespace}})
	for resource, kind := range storedKinds {
		c.post(tb, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", map[string]any{
			"metadata": map[string]any{"name": resource + "." + storedGroup},
			"spec": map[string]any{
				"group": storedGroup,
				"scope": "Namespaced",
				"names": map[string]any{"plural": resource, "singular": strings.ToLower(kind), "kind": kind, "listKind": kind + "List"},
				"versions": []any{map[string]any{
					"name": "v1alpha1", "served": true, "storage": true,
					"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
				}},
			},
		})
		await(tb, func() error { return c.get(tb.Context(), c.path(resource)) })
	}
	return plane, c
}

func (c *cluster) post(tb testing.TB, path string, object map[string]any) {
	tb.Helper()
	body, err := json.Marshal(object)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := c.do(tb.Context(), http.MethodPost, path, body); err != nil {
		tb.Fatal(err)
	}
}

// load stores the objects of a resource that another cluster shows.
func (c *cluster) load(tb testing.TB, from *cluster, resource string) {
	tb.Helper()
	content, err := from.do(tb.Context(), http.MethodGet, from.path(resource), nil)
	if err != nil {
		tb.Fatal(err)
	}
	var list struct{ Items []map[string]any }
	if err := json.Unmarshal(content, &list); err != nil {
		tb.Fatal(err)
	}
	eachOf(tb, len(list.Items), func(i int) error {
		object := list.Items[i]
		metadata := object["metadata"].(map[string]any)
		object["apiVersion"], object["kind"] = storedGroup+"/v1alpha1", storedKinds[resource]
		object["metadata"] = map[string]any{"name": storedName(metadata["name"].(string)), "labels": metadata["labels"]}
		body, err := json.Marshal(object)
		if err != nil {
			return err
		}
		_, err = c.do(tb.Context(), http.MethodPost, c.path(resource), body)
		if err != nil && strings.Contains(err.Error(), "AlreadyExists") {
			return nil
		}
		return err
	})
	tb.Logf("stored %d %s", len(list.Items), resource)
}

// storedName returns a name that is valid for custom resources.
func storedName(name string) string {
	return fmt.Sprintf("x%sx", strings.NewReplacer("_", "-", ":", "-", "~", "-", "/", "-").Replace(strings.ToLower(name)))
}
