// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package history

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Request is one request to pull or to push an image, from its creation until its client saw it end.
type Request struct {
	Client string `json:"client"`
	// Kind is "pull" or "push".
	Kind  string `json:"kind"`
	Name  string `json:"name"`
	Image string `json:"image"`
	// Run is the number of the server's run that created the request, LastRun the one that answered last.
	Run     int `json:"run"`
	LastRun int `json:"lastRun"`
	// Began is when the client created the request, Ended when the client saw its end, or gave up.
	Began time.Duration `json:"began"`
	Ended time.Duration `json:"ended"`
	// Deadline is true if the request has a deadline. Deleted is true if the client deleted the request before its end.
	Deadline bool `json:"deadline,omitempty"`
	Deleted  bool `json:"deleted,omitempty"`
	// Conditions are the conditions that the client saw, in order, each different from the one before.
	Conditions [][]metav1.Condition `json:"conditions"`
	// Gone is true if the client saw that the request is not there any more before it saw the request end.
	Gone bool `json:"gone,omitempty"`
	// Missing is true if the request was Complete and the image was not where it belongs.
	Missing bool `json:"missing,omitempty"`
}

// Finished reports whether the client saw the request end by itself.
func (r *Request) Finished() bool {
	return len(r.Conditions) > 0 && len(r.Conditions[len(r.Conditions)-1]) > 0
}
