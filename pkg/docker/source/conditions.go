// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
)

// maxMessage is how long the message of a condition may be, in bytes.
const maxMessage = 32 << 10

// Condition returns a condition of the type kind. It cuts a message that is too long.
func Condition(kind string, status bool, reason, message string, since metav1.Time) metav1.Condition {
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "")
	}
	c := metav1.Condition{Type: kind, Status: metav1.ConditionFalse, Reason: reason, Message: message, LastTransitionTime: since}
	if status {
		c.Status = metav1.ConditionTrue
	}
	return c
}

// NowOf returns the time of a clock in whole seconds, because the API carries no fractions.
func NowOf(c clock.PassiveClock) metav1.Time {
	return metav1.Time{Time: c.Now().UTC().Truncate(time.Second)}
}

// Latest returns the latest of the times that are not nil, or the epoch if all are nil.
func Latest(times ...*metav1.Time) metav1.Time {
	found := metav1.Time{Time: time.Unix(0, 0).UTC()}
	for _, t := range times {
		if t != nil && found.Before(t) {
			found = *t
		}
	}
	return found
}
