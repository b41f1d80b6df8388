// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source/sourcetest"
)

// FuzzEvents promises that any text of events marks only subjects that Docker can have. It also promises that the log
// does not mark again what the stream has marked.
func FuzzEvents(f *testing.F) {
	for _, seed := range []string{
		"", "null", "{}", "[]", "{", `{"Type":"container","Action":"die","Actor":{"ID":"` + dockertest.IDA + `"},"timeNano":1}`, `{"Type":"container","Action":"die","Actor":{"ID":"../x"}}`,
		`{"Type":"image","Action":"pull","Actor":{"ID":"busybox"}}` + "\n" + `{"Type":"image","Action":"untag","Actor":{"ID":"sha256:` + dockertest.IDA + `"}}`, `{"Type":"image","Action":"tag","Actor":{"ID":"a/../b"}}`,
		`{"Type":"volume","Action":"create","Actor":{"ID":"data"}}` + "\n\n" + `{"Type":"volume","Action":"create","Actor":{"ID":"data"}}`, `{"Type":"volume","Action":"prune","Actor":null,"timeNano":9223372036854775807}`,
		`{"Type":"container","Action":"exec_create: sh","Actor":{"ID":"` + dockertest.IDA + `","Attributes":{"exitCode":"1"}},"timeNano":-9223372036854775808}`, `{"Type":"network","Action":"connect","Actor":{"ID":"x"}}`,
		`{"Type":"container","Action":"commit","Actor":{"ID":"` + dockertest.IDA + `"},"time":1e400}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		e, sinks := recording(t)
		var heard int
		feed := newFeed(func(event source.Event) {
			heard++
			e.hear(event)
		})
		var lines [][]byte
		err := eachLine(bytes.NewReader(text), func(line []byte) error {
			lines = append(lines, bytes.Clone(line))
			return feed.streamed(line)
		})
		for resource, valid := range map[string]func(string) bool{
			"containers": names.IsFullID,
			"images":     func(s string) bool { return names.IsImagePath(s) || strings.HasPrefix(s, "move of ") },
			"volumes":    func(s string) bool { return !strings.HasSuffix(s, "/") },
		} {
			for _, subject := range sinks[resource].Marked {
				if subject != sourcetest.All && !valid(subject) {
					t.Errorf("an event marks %q of %s", subject, resource)
				}
			}
		}
		if err != nil {
			return
		}
		before := heard
		if _, err := feed.logged(lines); err != nil || heard != before {
			t.Errorf("the log brings %d events again, %v", heard-before, err)
		}
		if _, nano, ok := feed.since(); ok {
			logSince(nano)
		}
	})
}
