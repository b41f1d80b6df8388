// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

func TestAServerThatEndsTakesAwayOnlyWhatCanBePutBackAsItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		authority := newAuthority(t)
		noted := map[string]string{bundleAnnotation: string(authority)}
		for name, test := range map[string]struct {
			authority []byte
			service   *corev1.Service
			away      bool
		}{
			"own authority":                   {authority, serviceFor(registered, nil), true},
			"authority that register noted":   {nil, serviceFor(registered, noted), true},
			"authority that nobody knows":     {nil, serviceFor(registered, nil), false},
			"Service that was not registered": {authority, serviceFor(nil, noted), false},
			"no Service":                      {authority, nil, false},
		} {
			k := prepare(t, test.authority, test.service, reportedBy(apiServiceOf(testService, authority), "Passed"))
			if err := k.Unregister(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			left := k.after(0)
			if (left == nil) != test.away {
				t.Errorf("%s: %v is left", name, left)
			}
			if left != nil {
				if got := available(left); got != "True Passed ok" {
					t.Errorf("%s: %s", name, got)
				}
				continue
			}
			k.run()
			if back := k.after(2 * keepPeriod); back == nil || !sameBundle(t, back.Spec.CABundle, authority) {
				t.Errorf("%s: restored %v", name, back)
			}
		}
	})
}

func TestAServerThatEndsTakesBackItsWordThatItIsAvailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := prepare(t, nil, nil, reportedBy(apiServiceOf(testService), ReasonReported))
		if err := k.Unregister(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, want := available(k.after(0)), "False ReportedByServer the server was stopped"; got != want {
			t.Error(got)
		}
		k.run()
		if got, want := available(k.after(2*keepPeriod)), "True ReportedByServer the server is ready"; got != want {
			t.Errorf("started again: %s", got)
		}
	})
}

func TestOnlyErrorsThatLastAreReportedAndEachOnce(t *testing.T) {
	denied := apierrors.NewForbidden(apiregistrationv1.Resource("apiservices"), APIServiceName, errors.New("no right"))
	for _, verb := range []string{"update", "list"} {
		synctest.Test(t, func(t *testing.T) {
			k := prepare(t, newAuthority(t), nil, apiServiceOf(testService))
			var failing bool
			k.aggregator.PrependReactor(verb, "apiservices", func(clienttesting.Action) (bool, runtime.Object, error) {
				k.mu.Lock()
				defer k.mu.Unlock()
				return failing, nil, denied
			})
			fail := func(is bool) { k.set(func() { failing = is }) }
			fail(true)
			k.run()
			k.after(lastingPeriod - keepPeriod)
			if reports := k.reported(); len(reports) > 0 {
				t.Errorf("%s fails at first: %q", verb, reports)
			}
			k.after(10 * time.Minute)
			if reports := k.reported(); len(reports) != 1 || !strings.Contains(reports[0], "no right") {
				t.Errorf("%s fails: reported %q", verb, reports)
			}
			fail(false)
			if got := k.after(10 * time.Minute); len(got.Spec.CABundle) == 0 || len(k.reported()) != 1 {
				t.Errorf("%s works again: %v, reported %q", verb, got.Spec, k.reported())
			}
			if verb != "update" {
				return // the informer now only watches, so a list cannot fail again
			}
			fail(true)
			k.set(func() { k.authority = newAuthority(t) })
			k.after(10 * time.Minute)
			if reports := k.reported(); len(reports) != 2 {
				t.Errorf("%s fails again: reported %q", verb, reports)
			}
		})
	}
}
