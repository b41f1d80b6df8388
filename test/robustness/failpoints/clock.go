// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package failpoints

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// shiftClock makes the engine's clock appear an hour fast or slow: it shifts the times of events and of requests for events.
func shiftClock(_ context.Context, t *Target) (func() error, error) {
	by := time.Hour
	if t.Random.IntN(2) == 0 {
		by = -time.Hour
	}
	t.Proxy.Fail(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/events") {
			r.URL.RawQuery = shiftSince(r.URL.Query(), -by).Encode()
		}
		return false
	})
	t.Proxy.Tamper(func(_ context.Context, _ bool, lines [][]byte) ([][]byte, error) {
		for i, line := range lines {
			lines[i] = shiftEvent(line, by)
		}
		return lines, nil
	})
	t.Proxy.Drop()
	return func() error {
		t.Proxy.Fail(nil)
		t.Proxy.Tamper(nil)
		t.Proxy.Drop()
		return nil
	}, nil
}

// shiftSince shifts the start of the requested events. It leaves since=1 alone, which asks for the whole log.
func shiftSince(query url.Values, by time.Duration) url.Values {
	whole, fraction, _ := strings.Cut(query.Get("since"), ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err == nil && seconds != 1 {
		query.Set("since", strconv.FormatInt(seconds+int64(by/time.Second), 10)+"."+fraction)
	}
	return query
}

var eventTime = regexp.MustCompile(`"(time|timeNano)":\d+`)

func shiftEvent(line []byte, by time.Duration) []byte {
	return eventTime.ReplaceAllFunc(line, func(field []byte) []byte {
		name, value, _ := strings.Cut(string(field), ":")
		number, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return field
		}
		if name == `"time"` {
			number += int64(by / time.Second)
		} else {
			number += int64(by)
		}
		return []byte(name + ":" + strconv.FormatInt(number, 10))
	})
}
