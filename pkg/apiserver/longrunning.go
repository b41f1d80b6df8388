// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"k8s.io/apimachinery/pkg/util/sets"
	genericfilters "k8s.io/apiserver/pkg/server/filters"
)

// isLongRunning finds the requests that last as long as their clients want: watches and streams. They have no time limit
// and do not count as requests in flight.
var isLongRunning = genericfilters.BasicLongRunningRequestCheck(sets.NewString("watch"),
	sets.NewString("log", "exec", "attach", "portforward", "archive"))
