// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"strings"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

func TestKubectlAuthSaysThatTheHolderOfTheTokenMayDoEverything(t *testing.T) {
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		for _, asked := range []string{"list containers", "delete images", "watch namespaces", "get /metrics"} {
			if got := strings.TrimSpace(k.OK(t, append([]string{"auth", "can-i"}, strings.Fields(asked)...)...)); got != "yes" {
				t.Errorf("can-i %s: %s", asked, got)
			}
		}
		kubectl.Contains(t, k.OK(t, "auth", "can-i", "--list"), "*.*")
		kubectl.Contains(t, k.OK(t, "auth", "whoami"), "engine-apiserver", "system:masters")
	})
}

func TestKubectlShowsTheNamespaceOfTheEngine(t *testing.T) {
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		lines := strings.Split(strings.TrimSpace(k.OK(t, "get", "ns")), "\n")
		if len(lines) != 2 || strings.Join(strings.Fields(lines[0]), " ") != "NAME STATUS AGE" || !strings.HasPrefix(lines[1], "rancher-desktop") {
			t.Errorf("%q", lines)
		}
		kubectl.Contains(t, k.OK(t, "describe", "ns", "rancher-desktop"), "Active")
		kubectl.Contains(t, k.OK(t, "explain", "namespace.status"), "phase", "conditions")
		kubectl.Contains(t, k.OK(t, "api-resources"), "namespaces", "selfsubjectaccessreviews", "containers")
		k.Fails(t, []string{"NotFound", "containers", "absent"}, "get", "ctr", "absent")
	})
}

func TestKubectlCreatesReviews(t *testing.T) {
	const review = `{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{"resourceAttributes":{"resource":"containers","verb":"list"}}}`
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		if stdout, stderr, err := k.TryWith(t, review, "create", "-f", "-", "-o", "jsonpath={.status.allowed}"); err != nil || stdout != "true" {
			t.Errorf("%v: %s%s", err, stdout, stderr)
		}
		if _, stderr, err := k.TryWith(t, strings.Replace(review, "verb", "verv", 1), "create", "-f", "-"); err == nil || !strings.Contains(stderr, "verv") {
			t.Errorf("an unknown field: %v: %s", err, stderr)
		}
	})
}
