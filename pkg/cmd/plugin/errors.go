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

	apis "github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// notFound returns the details of an error which says that the server does not have something that it could have. A server
// without containers, or without the subresource, also answers 404. That answer names nothing.
func notFound(err error) *metav1.StatusDetails {
	status := apierrors.APIStatus(nil)
	if !apierrors.IsNotFound(err) || !errors.As(err, &status) || apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse) {
		return nil
	}
	if details := status.Status().Details; details != nil && details.Name != "" {
		return details
	}
	return nil
}

// isAbsent reports whether the server says that it has no such object.
func isAbsent(err error) bool {
	details := notFound(err)
	return details != nil && len(details.Causes) == 0
}

// isNamespace reports whether the object that the server does not have is a namespace.
func isNamespace(status apierrors.APIStatus) bool {
	return status.Status().Details.Kind == "namespaces"
}

// isAbsentPath reports whether the server says that the container has nothing at a path.
func isAbsentPath(err error) bool {
	return notFound(err) != nil && apierrors.HasStatusCause(err, metav1.CauseTypeFieldValueNotFound)
}

// words are what docker calls the kinds.
var words = map[string]string{"containers": "container", "images": "image", "volumes": "volume", "networks": "network"}

// absent says which object is not there.
func absent(details *metav1.StatusDetails) string {
	name := details.Name
	if details.Kind == "images" {
		name = apis.ReferenceOfName(name)
	}
	return fmt.Sprintf("no such %s: %s", cmp.Or(words[details.Kind], "object"), name)
}

// lacksGroup reports whether the server does not serve containers.
func lacksGroup(err error) bool { return apierrors.IsNotFound(err) && notFound(err) == nil }

// explain returns an error of the client on one line that tells the user what to do about it.
func explain(err error) string {
	unreachable := &url.Error{}
	status := apierrors.APIStatus(nil)
	switch {
	case lacksGroup(err):
		return fmt.Sprintf("the server has no %s: start engine-apiserver and register it there, or choose another server with --context or --kubeconfig", v1alpha1.SchemeGroupVersion)
	case isAbsent(err) && errors.As(err, &status) && !isNamespace(status): // the words for a namespace say which one to choose
		return absent(status.Status().Details)
	case apierrors.IsUnauthorized(err):
		return "the server does not know you: the token or the certificate in your kubeconfig is missing, wrong or expired"
	case errors.As(err, &unreachable):
		return fmt.Sprintf("cannot reach the server at %s: %v", host(unreachable.URL), unreachable.Err)
	}
	if apierrors.IsMethodNotSupported(err) {
		return strings.Replace(err.Error(), methodRefused, "the server does not allow this change: its --engine-access is too low", 1)
	}
	line := introduction.ReplaceAllLiteralString(err.Error(), "")
	return strings.Join(strings.Fields(longID.ReplaceAllString(line, "$1")), " ")
}

// introduction matches what the server, the client and Docker put in front of the words with which something is refused.
var introduction = regexp.MustCompile(`unable to upgrade (?:connection|streaming request): |error upgrading connection: |` +
	`Operation cannot be fulfilled on \S+ "[^"]*": |\w+\.containers\.\S+ "[^"]*" is invalid: |Cannot kill container: [0-9a-f]+: `)

// methodRefused is what the client says if the server has no such method for a kind.
const methodRefused = "the server does not allow this method on the requested resource"

// longID matches the ID with which Docker calls a container, and the part of it that ps shows.
var longID = regexp.MustCompile(`([Cc]ontainer:? [0-9a-f]{12})[0-9a-f]{52}\b`)

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

// codedError is an error for which the command exits with another code than 1.
type codedError struct {
	error
	code int
}

// Unwrap returns the error itself.
func (c codedError) Unwrap() error { return c.error }

// coded returns err with the exit code of the command, or nil.
func coded(code int, err error) error {
	if err == nil {
		return nil
	}
	return codedError{err, code}
}
