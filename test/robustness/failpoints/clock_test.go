// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package failpoints

import (
	"net/url"
	"testing"
	"time"
)

func TestTimesOfEventsAreShiftedAndNothingElse(t *testing.T) {
	line := `{"Type":"volume","Action":"create","Actor":{"ID":"v","Attributes":{"time":"1"}},"scope":"local","time":1700000000,"timeNano":1700000000123456789}` + "\n"
	want := `{"Type":"volume","Action":"create","Actor":{"ID":"v","Attributes":{"time":"1"}},"scope":"local","time":1700003600,"timeNano":1700003600123456789}` + "\n"
	if got := string(shiftEvent([]byte(line), time.Hour)); got != want {
		t.Errorf("got %s", got)
	}
}

func TestTheBeginningOfTheLogIsAskedForByTheEnginesClock(t *testing.T) {
	for since, want := range map[string]string{
		"1700003600.123456789":   "1700000000.123456789",
		"-16746740473.000000001": "-16746744073.000000001",
		"1":                      "1",
		"":                       "",
	} {
		if got := shiftSince(url.Values{"since": {since}, "until": {"0"}}, -time.Hour); got.Get("since") != want || got.Get("until") != "0" {
			t.Errorf("since %s: %v, want %s", since, got, want)
		}
	}
}
