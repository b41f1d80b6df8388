// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"testing"

	"github.com/docker/docker/api/types/container"
)

func TestALinkIsNoNameOfTheContainer(t *testing.T) {
	for want, names := range map[string][]string{
		"db":       {"/db"},
		"zdb":      {"/app/db", "/zdb"},
		"adb":      {"/adb", "/app/db", "/web/db"},
		"idOfIt":   nil,
		"linkOnly": {"/app/db"},
	} {
		summary := container.Summary{ID: want, Names: names}
		if got := ownName(summary); got != want {
			t.Errorf("%q: %q", names, got)
		}
	}
}
