// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func TestTimesAndTailsOfLogsAreDockers(t *testing.T) {
	local := now.In(time.FixedZone("local", 2*60*60))
	for name, test := range map[string]struct {
		logs logs
		want v1alpha1.ContainerLogOptions
	}{
		"nothing":    {logs{tail: "all"}, v1alpha1.ContainerLogOptions{}},
		"follow":     {logs{tail: "all", follow: true, timestamps: true}, v1alpha1.ContainerLogOptions{Follow: true, Timestamps: true}},
		"tail":       {logs{tail: "10"}, v1alpha1.ContainerLogOptions{TailLines: ptr.To[int64](10)}},
		"no tail":    {logs{tail: "0"}, v1alpha1.ContainerLogOptions{TailLines: ptr.To[int64](0)}},
		"all":        {logs{tail: "-1"}, v1alpha1.ContainerLogOptions{}},
		"a duration": {logs{tail: "all", since: "1h", until: "42s"}, v1alpha1.ContainerLogOptions{SinceTime: "2026-01-02T02:04:05Z", UntilTime: "2026-01-02T03:03:23Z"}},
		"a time":     {logs{tail: "all", since: "2026-01-02T03:04:05.123456789Z"}, v1alpha1.ContainerLogOptions{SinceTime: "2026-01-02T03:04:05.123456789Z"}},
		"a zone":     {logs{tail: "all", since: "2026-01-02T03:04:05+01:00"}, v1alpha1.ContainerLogOptions{SinceTime: "2026-01-02T02:04:05Z"}},
		"local time": {logs{tail: "all", since: "2026-01-02T03:04:05"}, v1alpha1.ContainerLogOptions{SinceTime: "2026-01-02T01:04:05Z"}},
		"a day":      {logs{tail: "all", since: "2026-01-02"}, v1alpha1.ContainerLogOptions{SinceTime: "2026-01-01T22:00:00Z"}},
		"Unix time":  {logs{tail: "all", since: "1000000000.5"}, v1alpha1.ContainerLogOptions{SinceTime: "2001-09-09T01:46:40.5Z"}},
	} {
		got, err := test.logs.options(local)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Follow != test.want.Follow || got.Timestamps != test.want.Timestamps || got.SinceTime != test.want.SinceTime ||
			got.UntilTime != test.want.UntilTime || !ptr.Equal(got.TailLines, test.want.TailLines) {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

func TestATimeThatIsNoneIsRefused(t *testing.T) {
	for name, l := range map[string]logs{
		"--since": {tail: "all", since: "yesterday"},
		"--until": {tail: "all", until: "2026-13-01T00:00:00Z"},
		"--tail":  {tail: "some"},
	} {
		if _, err := l.options(now); err == nil || !strings.HasPrefix(err.Error(), name+` "`) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEachLineOfALogIsPrintedWhole(t *testing.T) {
	broken := errors.New("broken")
	long := strings.Repeat("x", maxLine)
	for name, test := range map[string]struct {
		text io.Reader
		want []string
		err  error
	}{
		"lines":        {iotest.OneByteReader(strings.NewReader("a\n\nb\n")), []string{"a", "", "b"}, nil},
		"no end":       {strings.NewReader("a\nb"), []string{"a", "b"}, nil},
		"a broken log": {io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(broken)), []string{"a", "b"}, broken},
		"a long line":  {strings.NewReader(long + "y\nb\n"), []string{long, "y", "b"}, nil},
		"an empty log": {strings.NewReader(""), nil, nil},
	} {
		var got []string
		err := eachLine(test.text, func(line string) error {
			got = append(got, line)
			return nil
		})
		if !slices.Equal(got, test.want) || !errors.Is(err, test.err) {
			t.Errorf("%s: %d lines, %v", name, len(got), err)
		}
	}
}
