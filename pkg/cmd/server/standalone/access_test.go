// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

func TestOnlyTheTokenOpensWhatIsNotPublic(t *testing.T) {
	authenticator := NewAuthenticator("secret")
	authorizer := newAuthorizer(t)
	for _, test := range []struct {
		path, token string
		user        string // none if nobody is let in
	}{
		{"/apis", "secret", "engine-apiserver"},
		{"/livez", "secret", "engine-apiserver"},
		{"/apis", "", ""},
		{"/apis", "wrong", ""},
		{"/livez", "wrong", ""},
		{"/metrics", "", ""},
		{"/livez/ping", "", ""},
		{"/livezx", "", ""},
		{"/livez", "", user.Anonymous},
		{"/readyz", "", user.Anonymous},
		{"/readyz/container-engine", "", user.Anonymous},
		{"/healthz", "", user.Anonymous},
		{"/version", "", user.Anonymous},
	} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, test.path, nil)
		if test.token != "" {
			request.Header.Set("Authorization", "Bearer "+test.token)
		}
		response, ok, err := authenticator.AuthenticateRequest(request)
		if test.user == "" {
			if ok {
				t.Errorf("%s with the token %q lets in %v", test.path, test.token, response.User)
			}
			continue
		}
		if err != nil || !ok || response.User.GetName() != test.user {
			t.Errorf("%s with the token %q: %v %t %v", test.path, test.token, response, ok, err)
			continue
		}
		if !allows(t, authorizer, response.User, test.path) {
			t.Errorf("%s is forbidden to %s", test.path, test.user)
		}
	}
}

func TestWhoIsNotTheHolderOfTheTokenMayDoNothingElse(t *testing.T) {
	authorizer := newAuthorizer(t)
	for _, path := range []string{"/apis", "/metrics", "/livez/ping", "/"} {
		if allows(t, authorizer, &user.DefaultInfo{Name: user.Anonymous, Groups: []string{user.AllUnauthenticated}}, path) {
			t.Errorf("%s is allowed to anybody", path)
		}
	}
}

func TestEveryNamespaceIsSaidToExist(t *testing.T) {
	for _, test := range []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, NamespacesPath + "any", http.StatusOK},
		{http.MethodDelete, NamespacesPath + "any", http.StatusMethodNotAllowed},
		{http.MethodGet, NamespacesPath + "any/pods", http.StatusNotFound},
		{http.MethodGet, NamespacesPath, http.StatusNotFound},
	} {
		recorder := httptest.NewRecorder()
		ServeNamespace(recorder, httptest.NewRequestWithContext(t.Context(), test.method, test.path, nil))
		if recorder.Code != test.status {
			t.Errorf("%s %s: status %d, want %d", test.method, test.path, recorder.Code, test.status)
		}
		if test.status == http.StatusOK && !strings.Contains(recorder.Body.String(), `"name": "any"`) && !strings.Contains(recorder.Body.String(), `"name":"any"`) {
			t.Error(recorder.Body)
		}
	}
}

func newAuthorizer(t *testing.T) authorizer.Authorizer {
	t.Helper()
	authorizer, err := NewAuthorizer()
	if err != nil {
		t.Fatal(err)
	}
	return authorizer
}

func allows(t *testing.T, a authorizer.Authorizer, user user.Info, path string) bool {
	t.Helper()
	decision, _, err := a.Authorize(t.Context(), authorizer.AttributesRecord{User: user, Verb: "get", Path: path})
	if err != nil {
		t.Error(err)
	}
	return decision == authorizer.DecisionAllow
}
