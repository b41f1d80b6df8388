// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"context"
	"crypto/subtle"
	"slices"

	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/group"
	"k8s.io/apiserver/pkg/authentication/request/anonymous"
	"k8s.io/apiserver/pkg/authentication/request/bearertoken"
	"k8s.io/apiserver/pkg/authentication/request/union"
	"k8s.io/apiserver/pkg/authentication/request/websocket"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/authorization/path"
	authorizationunion "k8s.io/apiserver/pkg/authorization/union"
)

// publicPaths are what anybody may get.
var publicPaths = []string{"/healthz", "/livez", "/readyz", "/readyz/container-engine", "/version"}

// NewAuthenticator knows the holder of the token, and anybody on a public path.
func NewAuthenticator(token string) authenticator.Request {
	holder := authenticator.TokenFunc(func(_ context.Context, value string) (*authenticator.Response, bool, error) {
		if subtle.ConstantTimeCompare([]byte(value), []byte(token)) != 1 {
			return nil, false, nil
		}
		return &authenticator.Response{User: &user.DefaultInfo{
			Name:   userName,
			Groups: []string{user.SystemPrivilegedGroup},
		}}, true, nil
	})
	var conditions []apiserver.AnonymousAuthCondition
	for _, path := range publicPaths {
		conditions = append(conditions, apiserver.AnonymousAuthCondition{Path: path})
	}
	return union.NewFailOnError(
		group.NewAuthenticatedGroupAdder(union.New(
			bearertoken.New(holder),
			websocket.NewProtocolAuthenticator(holder), // browsers can set no header
		)),
		anonymous.NewAuthenticator(conditions),
	)
}

// Authorizer says who may do what, and all that somebody may do.
type Authorizer struct {
	authorizer.Authorizer
}

var (
	_ authorizer.Authorizer   = Authorizer{}
	_ authorizer.RuleResolver = Authorizer{}
)

// NewAuthorizer lets the holder of the token do everything, and anybody get a public path.
func NewAuthorizer() (Authorizer, error) {
	public, err := path.NewAuthorizer(publicPaths)
	if err != nil {
		return Authorizer{}, err
	}
	both, err := authorizationunion.New(
		authorizationunion.NamedAuthorizer{AuthorizerName: "holder", Authorizer: authorizerfactory.NewPrivilegedGroups(user.SystemPrivilegedGroup)},
		authorizationunion.NamedAuthorizer{AuthorizerName: "public", Authorizer: public},
	)
	return Authorizer{both}, err
}

// RulesFor implements authorizer.RuleResolver.
func (Authorizer) RulesFor(ctx context.Context, who user.Info, namespace string) ([]authorizer.ResourceRuleInfo, []authorizer.NonResourceRuleInfo, bool, error) {
	if slices.Contains(who.GetGroups(), user.SystemPrivilegedGroup) {
		return authorizerfactory.NewAlwaysAllowAuthorizer().RulesFor(ctx, who, namespace)
	}
	return nil, []authorizer.NonResourceRuleInfo{
		&authorizer.DefaultNonResourceRuleInfo{Verbs: []string{"*"}, NonResourceURLs: publicPaths},
	}, false, nil
}
