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

// publicPaths lists the paths that everyone may get, without a token.
var publicPaths = []string{"/healthz", "/livez", "/readyz", "/readyz/container-engine", "/version"}

// NewAuthenticator returns an authenticator that knows the holder of the token. On a public path it also accepts
// anonymous requests.
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
			websocket.NewProtocolAuthenticator(holder), // browsers cannot set headers for a WebSocket
		)),
		anonymous.NewAuthenticator(conditions),
	)
}

// Authorizer authorizes requests, and lists the rules for a user.
type Authorizer struct {
	authorizer.Authorizer
}

var (
	_ authorizer.Authorizer   = Authorizer{}
	_ authorizer.RuleResolver = Authorizer{}
)

// NewAuthorizer returns an authorizer that allows the holder of the token everything, and everyone the public paths.
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
