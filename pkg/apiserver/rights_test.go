// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	genericapiserver "k8s.io/apiserver/pkg/server"
)

// may configures a server whose users may only do what rights say about containers. A right has the form "verb name",
// or "verb" for all names.
func may(rights ...string) func(*genericapiserver.RecommendedConfig) {
	return func(config *genericapiserver.RecommendedConfig) {
		config.Authentication.Authenticator = authenticator.RequestFunc(userOfHeader)
		config.Authorization.Authorizer = authorizer.AuthorizerFunc(func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
			if !a.IsResourceRequest() {
				return authorizer.DecisionAllow, "", nil
			}
			for _, right := range rights {
				if verb, name, _ := strings.Cut(right, " "); verb == a.GetVerb() && (name == "" || name == a.GetName()) {
					return authorizer.DecisionAllow, "", nil
				}
			}
			return authorizer.DecisionDeny, "", nil
		})
	}
}

func TestRightsOnOneNameReachNoOtherContainer(t *testing.T) {
	web, db := exited("web"), exited("db")
	web.Status.ID = strings.Repeat("aaaa", 16)
	db.Status.ID = strings.Repeat("bbbb", 16)
	all := "/containers"
	named := func(selector string) string {
		return all + "?fieldSelector=" + strings.NewReplacer("=", "%3d", ",", "%2c").Replace(selector)
	}
	watched := func(selector string) string { return named(selector) + "&watch=true&timeoutSeconds=1" }
	everyVerb := []string{"get web", "list web", "watch web", "patch web", "update web", "delete web", "deletecollection web"}
	for _, test := range []struct {
		rights       []string
		method, path string
		status       int
	}{
		{everyVerb, http.MethodGet, all + "/web", 200},
		{everyVerb, http.MethodGet, named("metadata.name=web"), 200},
		{everyVerb, http.MethodGet, watched("metadata.name=web"), 200},
		{everyVerb[:1], http.MethodGet, named("metadata.name=web"), 403},
		{everyVerb[:1], http.MethodGet, watched("metadata.name=web"), 403},

		{everyVerb, http.MethodGet, all + "/db", 403},
		{everyVerb, http.MethodGet, all + "/" + web.Status.ID, 403},
		{everyVerb, http.MethodGet, all + "/" + web.Status.ID[:12], 403},
		{everyVerb, http.MethodGet, all + "/" + db.Status.ID, 403},
		{everyVerb, http.MethodDelete, all + "/" + db.Status.ID[:12], 403},
		{everyVerb, http.MethodPatch, all + "/" + db.Status.ID, 403},
		{everyVerb, http.MethodGet, all, 403},
		{everyVerb, http.MethodGet, named("metadata.name=db"), 403},
		{everyVerb, http.MethodGet, named("metadata.name=" + db.Status.ID), 403},
		{everyVerb, http.MethodGet, named("metadata.name=" + db.Status.ID[:12]), 403},
		{everyVerb, http.MethodGet, watched("metadata.name=" + db.Status.ID), 403},
		{everyVerb, http.MethodGet, named("metadata.name!=web"), 403},
		{everyVerb, http.MethodGet, named("status.id=" + web.Status.ID), 403},
		{everyVerb, http.MethodGet, watched("status.id=" + web.Status.ID), 403},
		{everyVerb, http.MethodDelete, all, 403},
		{everyVerb, http.MethodDelete, named("metadata.name=web"), 403},
		{everyVerb, http.MethodDelete, named("metadata.name=" + db.Status.ID), 403},

		{[]string{"list"}, http.MethodGet, named("status.id=" + web.Status.ID), 200},
		{[]string{"list"}, http.MethodGet, named("metadata.name=" + web.Status.ID[:12]), 200},
	} {
		source := newFakeContainers(web, db)
		server := serveContainers(t, source, may(test.rights...))
		status, body := do(t, server, test.method, defaultPath+test.path, `{"spec":{"state":"running"}}`, mergePatch, userHeader+": alice")
		if status != test.status {
			t.Errorf("%v: %s %s: status %d, want %d: %s", test.rights, test.method, test.path, status, test.status, body)
		}
		if call := source.took(); strings.Contains(call, "delete") || strings.Contains(call, "update") {
			t.Errorf("%v: %s %s: the source was told %q", test.rights, test.method, test.path, call)
		}
	}
}

func TestSelectorsThatNameTwoThingsShowOnlyTheNameThatIsAllowed(t *testing.T) {
	web, db := exited("web"), exited("db")
	web.Status.ID = strings.Repeat("aaaa", 16)
	db.Status.ID = strings.Repeat("bbbb", 16)
	server := serveContainers(t, newFakeContainers(web, db), may("get web", "list web", "watch web"))
	for _, other := range []string{"db", db.Status.ID, db.Status.ID[:12]} {
		for _, selector := range []string{"metadata.name=web,metadata.name=" + other, "metadata.name=" + other + ",metadata.name=web", "metadata.name=web,status.id=" + db.Status.ID} {
			for _, watch := range []string{"", "&watch=true&timeoutSeconds=1"} {
				_, body := do(t, server, http.MethodGet, defaultPath+"/containers?fieldSelector="+strings.NewReplacer("=", "%3d", ",", "%2c").Replace(selector)+watch, "", userHeader+": alice")
				if strings.Contains(body, "uid-of-db") {
					t.Errorf("%s%s shows %s", selector, watch, body)
				}
			}
		}
	}
}
