// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregated

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apimachineryversion "k8s.io/apimachinery/pkg/version"
)

// The ConfigMap holds the authority that signs the control plane's client certificate, and the names of the headers in which
// the control plane forwards the user.
const (
	configMapName       = "extension-apiserver-authentication"
	requestHeaderCAFile = "requestheader-client-ca-file"
)

// right is a right that the server needs in the control plane.
type right = authorizationv1.ResourceAttributes

var (
	lookupRights = []right{
		{Verb: "get", Resource: "configmaps", Namespace: metav1.NamespaceSystem, Name: configMapName},
		{Verb: "list", Resource: "configmaps", Namespace: metav1.NamespaceSystem, Name: configMapName},
		{Verb: "watch", Resource: "configmaps", Namespace: metav1.NamespaceSystem, Name: configMapName},
	}
	authenticationRights = []right{{Verb: "create", Group: authenticationv1.GroupName, Resource: "tokenreviews"}}
	authorizationRights  = []right{{Verb: "create", Group: authorizationv1.GroupName, Resource: "subjectaccessreviews"}}
	priorityRights       = []right{
		{Verb: "list", Group: flowcontrolv1.GroupName, Resource: "flowschemas"},
		{Verb: "watch", Group: flowcontrolv1.GroupName, Resource: "flowschemas"},
		{Verb: "list", Group: flowcontrolv1.GroupName, Resource: "prioritylevelconfigurations"},
		{Verb: "watch", Group: flowcontrolv1.GroupName, Resource: "prioritylevelconfigurations"},
	}
)

// Check returns nil if a server can rely on the control plane. A Pending error means that the server should wait and check
// again. Any other error stays until the user acts.
func (c *ControlPlane) Check(ctx context.Context) error {
	for _, client := range []*client{c.core, c.authentication, c.authorization} {
		if err := client.checkKubernetes(ctx); err != nil {
			return err
		}
	}
	rights := authenticationRights
	if c.lookup {
		rights = slices.Concat(rights, lookupRights)
	}
	for _, needed := range []struct {
		client *client
		rights []right
	}{{c.authentication, rights}, {c.authorization, authorizationRights}} {
		if pending, err := needed.client.missing(ctx, needed.rights); err != nil {
			return err
		} else if pending != nil {
			return pending
		}
	}
	if !c.lookup {
		return nil
	}
	return c.authentication.checkConfigMap(ctx)
}

// CheckPriority returns what the server lacks to prioritize requests by the control plane's flow schemas, or nil if it lacks
// nothing. Its error has the same meaning as that of Check.
func (c *ControlPlane) CheckPriority(ctx context.Context) (lacking *Pending, err error) {
	err = c.core.Discovery().RESTClient().Get().AbsPath("/apis", flowcontrolv1.SchemeGroupVersion.String()).Do(ctx).Error()
	if apierrors.IsNotFound(err) {
		return &Pending{"flow schemas", c.core.name() + " has none", "set --enable-priority-and-fairness=false if that is intended"}, nil
	}
	if err != nil {
		return nil, c.core.classify(ctx, err)
	}
	return c.core.missing(ctx, priorityRights)
}

func (c *client) name() string { return "the control plane at " + c.url }

func (c *client) checkKubernetes(ctx context.Context) error {
	result := c.Discovery().RESTClient().Get().AbsPath("/version").Do(ctx)
	err := result.Error() // unlike Raw, Error decodes the Status of a failure
	if apierrors.IsNotFound(err) && !isUnexpected(err) {
		return nil
	}
	if err != nil {
		return c.classify(ctx, err)
	}
	answer, err := result.Raw()
	if err != nil {
		return c.classify(ctx, err)
	}
	var version apimachineryversion.Info
	if err := json.Unmarshal(answer, &version); err != nil || version.GitVersion == "" {
		return c.notKubernetes("its /version is not that of Kubernetes")
	}
	return nil
}

// missing returns the rights that the client lacks, or nil if it has all of them.
func (c *client) missing(ctx context.Context, rights []right) (*Pending, error) {
	var missing []string
	for _, right := range rights {
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &right}}
		review, err := c.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
		if err != nil {
			return nil, c.classify(ctx, err)
		}
		if !review.Status.Allowed {
			missing = describe(missing, right)
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	review, err := c.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return nil, c.classify(ctx, err)
	}
	user := review.Status.UserInfo.Username
	return &Pending{"rights at " + c.name(), fmt.Sprintf("user %q may not %s", user, strings.Join(missing, ", nor ")),
		fmt.Sprintf("grant it with engine-apiserver register --kubeconfig ADMIN-KUBECONFIG --server-user %s", user)}, nil
}

func (c *client) checkConfigMap(ctx context.Context) error {
	const what = "configmap " + metav1.NamespaceSystem + "/" + configMapName
	const remedy = "start kube-apiserver with --requestheader-client-ca-file, which makes it"
	configMap, err := c.CoreV1().ConfigMaps(metav1.NamespaceSystem).Get(ctx, configMapName, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return &Pending{what, c.name() + " does not have it", remedy}
	case err != nil:
		return c.classify(ctx, err)
	case configMap.Data[requestHeaderCAFile] == "":
		return &Pending{what, "it has no " + requestHeaderCAFile, remedy}
	}
	return nil
}

// describe appends the description of a right. If the right differs from the last described one only in its verb, describe
// adds the verb to that description instead.
func describe(described []string, right right) []string {
	resource := " " + right.Resource
	if right.Group != "" {
		resource += "." + right.Group
	}
	if right.Name != "" {
		resource += " " + right.Namespace + "/" + right.Name
	}
	if last := len(described) - 1; last >= 0 {
		if verbs, same := strings.CutSuffix(described[last], resource); same {
			described[last] = verbs + "/" + right.Verb + resource
			return described
		}
	}
	return append(described, right.Verb+resource)
}
