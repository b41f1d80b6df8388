// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

func TestOnlyTheTokenOpensWhatIsNotPublic(t *testing.T) {
	authenticator := NewAuthenticator("secret")
	authorizer := newAuthorizer(t)
	for _, test := range []struct {
		path, token string
		user        string // empty if the request is refused
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

func TestAWebSocketMayCarryTheTokenAsASubprotocol(t *testing.T) {
	authenticator := NewAuthenticator("secret")
	const (
		right = "base64url.bearer.authorization.k8s.io.c2VjcmV0" // the token secret
		wrong = "base64url.bearer.authorization.k8s.io.d3Jvbmc"  // the token wrong
		other = "base64.binary.k8s.io"
	)
	for _, test := range []struct {
		connection, protocols string
		known                 bool
	}{
		{"Upgrade", right + ", " + other, true},
		{"keep-alive, Upgrade", other + "," + right, true},
		{"Upgrade", wrong + ", " + other, false},
		{"Upgrade", right, false}, // no protocol would be left for the answer
		{"Upgrade", right + ", " + right + ", " + other, false},
		{"Upgrade", other, false},
		{"keep-alive", right + ", " + other, false}, // not a WebSocket
	} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/apis", nil)
		request.Header.Set("Connection", test.connection)
		request.Header.Set("Upgrade", "websocket")
		request.Header.Set("Sec-WebSocket-Protocol", test.protocols)
		response, ok, err := authenticator.AuthenticateRequest(request)
		if ok != test.known {
			t.Errorf("%+v: %v %t %v", test, response, ok, err)
			continue
		}
		if ok && (response.User.GetName() != userName || request.Header.Get("Sec-WebSocket-Protocol") != other) {
			t.Errorf("%+v: %v, and the protocols that are left are %q", test, response.User, request.Header.Values("Sec-WebSocket-Protocol"))
		}
	}
}

func TestTheRulesAllowTheHolderOfTheTokenEverything(t *testing.T) {
	for _, test := range []struct {
		user      user.DefaultInfo
		resources bool
		paths     []string
	}{
		{user.DefaultInfo{Name: userName, Groups: []string{user.SystemPrivilegedGroup, user.AllAuthenticated}}, true, []string{"*"}},
		{user.DefaultInfo{Name: "jane", Groups: []string{user.AllAuthenticated}}, false, publicPaths},
	} {
		resources, paths, incomplete, err := newAuthorizer(t).RulesFor(t.Context(), &test.user, "any")
		if err != nil || incomplete {
			t.Errorf("%s: incomplete %t: %v", test.user.Name, incomplete, err)
		}
		if test.resources != (len(resources) == 1 && slices.Equal(resources[0].GetResources(), []string{"*"}) && slices.Equal(resources[0].GetVerbs(), []string{"*"})) {
			t.Errorf("%s: the rules for resources are %+v", test.user.Name, resources)
		}
		if len(paths) != 1 || !slices.Equal(paths[0].GetNonResourceURLs(), test.paths) {
			t.Errorf("%s: the rules for paths are %+v", test.user.Name, paths)
		}
	}
}

func newAuthorizer(t *testing.T) Authorizer {
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
