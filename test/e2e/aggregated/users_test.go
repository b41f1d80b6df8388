// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregated_test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

// engineNamespace is the manifest of the engine's namespace.
const engineNamespace = `
apiVersion: v1
kind: Namespace
metadata: {name: rancher-desktop}
`

// binding is the manifest of a RoleBinding in that namespace. role and subject are parts of YAML, such as "kind: ClusterRole, name:
// view" and "kind: User, name: vera".
func binding(name, role, subject string) string {
	return fmt.Sprintf(`---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: %s, namespace: rancher-desktop}
roleRef: {apiGroup: rbac.authorization.k8s.io, %s}
subjects: [{apiGroup: rbac.authorization.k8s.io, %s}]
`, name, role, subject)
}

// role is the manifest of a Role in that namespace. rules are a list in YAML on one line.
func role(name, rules string) string {
	return fmt.Sprintf(`---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: %s, namespace: rancher-desktop}
rules: %s
`, name, rules)
}

// grant is the manifest that gives the users of a test their rights through the cluster's own RBAC. web is the container that one of
// them may see.
func grant(web string) string {
	return engineNamespace +
		binding("vera-views", "kind: ClusterRole, name: view", "kind: User, name: vera") +
		binding("editors-edit", "kind: ClusterRole, name: edit", "kind: Group, name: editors") +
		role("only-web", "[{apiGroups: [containers.rancherdesktop.io], resources: [containers], resourceNames: ["+web+"], verbs: [get, list, watch, delete, deletecollection]}]") +
		binding("oscar-sees-web", "kind: Role, name: only-web", "kind: User, name: oscar")
}

// grantRules gives a user the rights of RBAC rules, which are a list in YAML on one line.
func grantRules(t *testing.T, admin kubectl.Kubectl, user, rules string) {
	t.Helper()
	admin.Apply(t, engineNamespace+role(user, rules)+binding(user, "kind: Role, name: "+user, "kind: User, name: "+user))
}

func TestEveryoneMayDoWhatTheClusterAllows(t *testing.T) {
	serve(t)
	web, webID := run(t, "web")
	other, otherID := run(t, "other")
	docker.Volume(t, engine.UniqueName("data"), nil)
	kubectl.Any(t, cluster.Admin()).Apply(t, grant(web))

	t.Run("a viewer sees everything and changes nothing", func(t *testing.T) {
		kubectl.Each(t, user(t, "vera"), func(t *testing.T, k kubectl.Kubectl) {
			kubectl.Eventually(t, "the role reaches the viewer", succeeds(k, "get", "ctr", web, "-n", namespace))
			kubectl.Contains(t, k.OK(t, "get", "containers,images,volumes,networks,engines,cns", "-n", namespace), web, other, "busybox:latest", "moby")
			for _, denied := range [][]string{
				{"delete", "ctr", web}, {"patch", "ctr", web, "--type=merge", "-p", `{"spec":{"state":"paused"}}`},
				{"delete", "img", "--all"}, {"delete", "vol", "--all"},
			} {
				k.Fails(t, []string{"Forbidden", "vera"}, append(denied, "-n", namespace)...)
			}
			k.Fails(t, []string{"Forbidden"}, "get", "ctr", "-A")
			if out, _, _ := k.Try(t, "auth", "can-i", "delete", "containers.containers.rancherdesktop.io", "-n", namespace); out != "no\n" {
				t.Errorf("can-i delete: %s", out)
			}
			kubectl.Contains(t, k.OK(t, "auth", "can-i", "get", "containers.containers.rancherdesktop.io", "-n", namespace), "yes")
			kubectl.Contains(t, k.OK(t, "auth", "can-i", "--list", "-n", namespace), "containers.containers.rancherdesktop.io", "[get list watch]")
		})
	})
	t.Run("an editor changes and deletes", func(t *testing.T) {
		kubectl.Each(t, user(t, "edith", "editors"), func(t *testing.T, k kubectl.Kubectl) {
			name, id := run(t, "edited")
			k.OK(t, "patch", "ctr", name, "-n", namespace, "--type=merge", "-p", `{"spec":{"state":"paused"}}`)
			k.OK(t, "delete", "ctr", name, "-n", namespace, "--grace-period=0", "--force")
			if _, err := docker.Client().ContainerInspect(t.Context(), id); err == nil {
				t.Error("Docker still has the container")
			}
		})
	})
	t.Run("a user with rights to one container reaches it only by its name", func(t *testing.T) {
		kubectl.Each(t, user(t, "oscar"), func(t *testing.T, k kubectl.Kubectl) {
			k.OK(t, "get", "ctr", web, "-n", namespace)
			kubectl.Contains(t, k.OK(t, "get", "ctr", "-n", namespace, "--field-selector", "metadata.name="+web), web)
			for _, denied := range [][]string{
				{"get", "ctr", webID}, {"get", "ctr", webID[:12]}, {"get", "ctr", other}, {"get", "ctr", otherID},
				{"delete", "ctr", webID[:12]}, {"delete", "ctr", other}, {"get", "ctr"},
				{"get", "ctr", "--field-selector", "metadata.name=" + webID[:12]},
				{"get", "ctr", "--field-selector", "metadata.name=" + other},
				{"get", "ctr", "--field-selector", "metadata.name!=" + other},
				{"get", "ctr", "--field-selector", "status.id=" + webID},
				{"delete", "ctr", "--field-selector", "metadata.name=" + otherID}, {"delete", "ctr", "--all"},
			} {
				k.Fails(t, []string{"Forbidden", "oscar"}, append(denied, "-n", namespace)...)
			}
			// The Role counts only in its own namespace.
			k.Fails(t, []string{"Forbidden"}, "get", "ctr", web, "-n", "default")
		})
	})
}

func TestTokensOfTheClusterWorkWithoutTheAggregator(t *testing.T) {
	s := serve(t)
	k := kubectl.Any(t, cluster.Admin())
	name, _ := run(t, "token")
	k.Apply(t, "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: robot, namespace: default}\n")
	k.OK(t, "create", "clusterrolebinding", "robot", "--clusterrole=view", "--serviceaccount=default:robot")
	t.Cleanup(func() { k.OK(t, "delete", "clusterrolebinding", "robot") })
	robot := strings.TrimSpace(k.OK(t, "create", "token", "robot", "-n", "default"))
	path := "/apis/containers.rancherdesktop.io/v1alpha1/namespaces/" + namespace + "/containers/" + name

	kubectl.Eventually(t, "the robot may read", func() bool { return s.request(t, path, robot) == http.StatusOK })
	for _, test := range []struct {
		what, path, token string
		want              int
	}{
		{"a forged token", path, robot + "x", http.StatusUnauthorized},
		{"nobody", path, "", http.StatusForbidden},
		{"a user without rights to metrics", "/metrics", robot, http.StatusForbidden},
		{"a user without rights to metrics of containers", "/metrics/resource", robot, http.StatusForbidden},
		{"nobody, about health", "/readyz", "", http.StatusOK},
	} {
		if got := s.request(t, test.path, test.token); got != test.want {
			t.Errorf("%s: status %d, want %d", test.what, got, test.want)
		}
	}
}

func TestHeadersOfTheFrontProxyNeedItsCertificate(t *testing.T) {
	s := serve(t)
	const containers = "/apis/containers.rancherdesktop.io/v1alpha1/containers"
	if status, _ := s.ask(t, containers, http.Header{"X-Remote-User": {"admin"}, "X-Remote-Group": {"system:masters"}}); status != http.StatusForbidden {
		t.Errorf("status %d", status)
	}
}

// request sends a request to the server, past the aggregator. It returns the status of the answer.
func (s *server) request(t *testing.T, path, token string) int {
	t.Helper()
	status, _ := s.ask(t, path, bearer(token))
	return status
}

// body sends a request to the server, past the aggregator. It returns the body of the answer.
func (s *server) body(t *testing.T, path, token string) string {
	t.Helper()
	_, body := s.ask(t, path, bearer(token))
	return body
}

func bearer(token string) http.Header {
	if token == "" {
		return nil
	}
	return http.Header{"Authorization": {"Bearer " + token}}
}

func (s *server) ask(t *testing.T, path string, header http.Header) (status int, body string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://127.0.0.1:"+s.port+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(content)
}

func TestTheAuditLogNamesTheUser(t *testing.T) {
	s := serve(t)
	name, _ := run(t, "audited")
	kubectl.Any(t, user(t, "alan", "system:masters")).OK(t, "get", "ctr", name, "-n", namespace)
	kubectl.Eventually(t, "the audit log names the user", func() bool {
		content, err := os.ReadFile(s.path("audit.log"))
		if err != nil {
			return false
		}
		for line := range strings.Lines(string(content)) {
			var event auditv1.Event
			if json.Unmarshal([]byte(line), &event) == nil && event.User.Username == "alan" && event.ObjectRef != nil && event.ObjectRef.Name == name {
				return true
			}
		}
		return false
	})
}
