// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// isAbsent reports whether the server says that it has no such object. A server without containers, or without the
// subresource, also answers 404. That answer names no object.
func isAbsent(err error) bool {
	status := apierrors.APIStatus(nil)
	if !apierrors.IsNotFound(err) || !errors.As(err, &status) || apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse) {
		return false
	}
	details := status.Status().Details
	return details != nil && details.Name != ""
}

// words are what docker calls the kinds.
var words = map[string]string{"containers": "container", "images": "image", "volumes": "volume", "networks": "network"}

// absent says which object is not there.
func absent(details *metav1.StatusDetails) string {
	name := details.Name
	if details.Kind == "images" {
		name = strings.ReplaceAll(name, "~", "/")
	}
	return fmt.Sprintf("no such %s: %s", cmp.Or(words[details.Kind], "object"), name)
}

// lacksGroup reports whether the server does not serve containers.
func lacksGroup(err error) bool { return apierrors.IsNotFound(err) && !isAbsent(err) }

// explain returns an error of the client on one line that tells the user what to do about it.
func explain(err error) string {
	unreachable := &url.Error{}
	status := apierrors.APIStatus(nil)
	switch {
	case lacksGroup(err):
		return fmt.Sprintf("the server has no %s: start engine-apiserver and register it there, or choose another server with --context or --kubeconfig", v1alpha1.SchemeGroupVersion)
	case isAbsent(err) && errors.As(err, &status):
		return absent(status.Status().Details)
	case apierrors.IsUnauthorized(err):
		return "the server does not know you: the token or the certificate in your kubeconfig is missing, wrong or expired"
	case errors.As(err, &unreachable):
		return fmt.Sprintf("cannot reach the server at %s: %v", host(unreachable.URL), unreachable.Err)
	}
	return strings.Join(strings.Fields(introduction.ReplaceAllLiteralString(err.Error(), "")), " ")
}

// introduction matches what the server and the client put in front of the words with which Docker refuses something.
var introduction = regexp.MustCompile(`unable to upgrade connection: |Operation cannot be fulfilled on \S+ "[^"]*": `)

func host(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return address
	}
	return parsed.Scheme + "://" + parsed.Host
}

// lines returns one line for each of the errors that are joined in err. It drops repeated lines: if the server is not
// there, that is the error of every container.
func lines(err error) (found []string) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			found = append(found, lines(err)...)
		}
	} else {
		found = []string{explain(err)}
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(found, func(line string) bool {
		defer func() { seen[line] = true }()
		return seen[line]
	})
}
