// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/request"
	genericapiserver "k8s.io/apiserver/pkg/server"
)

func TestThePassthroughOfALogIsARequestForTheSubresource(t *testing.T) {
	resolver := passthroughInfo{genericapiserver.NewRequestInfoResolver(&newTestConfig().Config), "ours"}
	for target, isLog := range map[string]bool{
		"GET /passthrough/engine/logs/web":          true,
		"GET /passthrough/engine/logs/web?follow=0": true,
		"POST /passthrough/engine/logs/web":         false,
		"GET /passthrough/engine/logs/":             false,
		"GET /passthrough/engine/logs/a/b":          false,
		"GET /passthrough/engine/logs":              false,
		"GET /metrics":                              false,
	} {
		method, path, _ := strings.Cut(target, " ")
		r, err := http.NewRequestWithContext(t.Context(), method, "https://x"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		info, err := resolver.NewRequestInfo(r)
		if err != nil {
			t.Fatal(err)
		}
		if info.IsResourceRequest != isLog || isLongRunning(r, info) != isLog || isLog && (info.Resource != "containers" || info.Subresource != "log" ||
			info.Name != "web" || info.Namespace != "ours" || info.Verb != "get" || info.APIGroup != "containers.rancherdesktop.io") {
			t.Errorf("%s: %+v", target, info)
		}
	}
}

func TestTheLogForDesktopClientsNeedsTheRightToGetTheLog(t *testing.T) {
	jane := request.WithUser(t.Context(), &user.DefaultInfo{Name: "jane"})
	rights := func(decision authorizer.Decision, err error) authorizer.UnconditionalAuthorizer {
		return authorizer.AuthorizerFunc(func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
			if a.GetVerb() != "get" || a.GetResource() != "containers" || a.GetSubresource() != "log" || a.GetName() != "web" || a.GetNamespace() != "ours" || !a.IsResourceRequest() {
				t.Errorf("%+v", a)
			}
			return decision, "", err
		})
	}
	for what, test := range map[string]struct {
		ctx  context.Context
		of   authorizer.UnconditionalAuthorizer
		want func(error) bool
	}{
		"a user with the right":    {jane, rights(authorizer.DecisionAllow, nil), func(err error) bool { return err == nil }},
		"a user without the right": {jane, rights(authorizer.DecisionNoOpinion, nil), apierrors.IsForbidden},
		"a user who is denied":     {jane, rights(authorizer.DecisionDeny, nil), apierrors.IsForbidden},
		"a failure":                {jane, rights(authorizer.DecisionNoOpinion, errors.New("down")), apierrors.IsInternalError},
		"nobody":                   {t.Context(), rights(authorizer.DecisionAllow, nil), apierrors.IsUnauthorized},
	} {
		if err := mayGetLog(test.ctx, test.of, "ours", "web"); !test.want(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
