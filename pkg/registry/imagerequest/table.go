// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package imagerequest

import (
	"fmt"

	"github.com/docker/go-units"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

// NewTable returns the columns of a kind of requests. running is the word for a request that has not finished.
func NewTable[T registry.Object](running string, image func(T) string, status func(T) *v1alpha1.ImageRequestStatus) rest.TableConvertor {
	return registry.NewTableConvertor(
		registry.Column[T]{Name: "Image", Description: "The image reference.", Cell: image},
		registry.Column[T]{Name: "Status", Description: "Whether the request has finished, and why it failed.",
			Cell: func(request T) string { return statusText(running, status(request)) }},
		registry.Column[T]{Name: "Progress", Description: "The bytes that have been transferred, of those that are known to be needed.",
			Cell: func(request T) string { return Progress(status(request)) }},
		registry.Age[T](),
	)
}

func statusText(running string, status *v1alpha1.ImageRequestStatus) string {
	switch failed := meta.FindStatusCondition(status.Conditions, v1alpha1.RequestFailed); {
	case meta.IsStatusConditionTrue(status.Conditions, v1alpha1.RequestComplete):
		return v1alpha1.RequestComplete
	case failed == nil:
		return running
	case failed.Reason == v1alpha1.RequestFailedOtherwise:
		return v1alpha1.RequestFailed
	default:
		return fmt.Sprintf("%s (%s)", v1alpha1.RequestFailed, failed.Reason)
	}
}

// Progress shows the bytes as the docker command does. It shows no percentage, which would fall whenever the size of
// another layer becomes known.
func Progress(status *v1alpha1.ImageRequestStatus) string {
	switch {
	case status.TotalBytes > 0:
		return units.HumanSize(float64(status.CurrentBytes)) + "/" + units.HumanSize(float64(status.TotalBytes))
	case status.CurrentBytes > 0:
		return units.HumanSize(float64(status.CurrentBytes))
	}
	return ""
}
