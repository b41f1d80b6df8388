// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kubernetes "k8s.io/client-go/kubernetes/fake"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/kube-aggregator/pkg/apis/apiregistration/v1/helper"
	aggregator "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset/fake"
	"k8s.io/utils/ptr"
)

var testService = Service{Namespace: "some", Name: "docker", Port: 6445}

// keeping is a Keeper under test, with fake clients of its own.
type keeping struct {
	*Keeper
	t          *testing.T
	aggregator *aggregator.Clientset

	mu        sync.Mutex
	authority []byte
	check     error
	reports   []string
}

// keep starts a Keeper in a cluster with this Service and these APIServices. It runs until the test ends. Call it inside
// synctest.Test, because the Keeper waits for the clock.
func keep(t *testing.T, authority []byte, service *corev1.Service, apiServices ...runtime.Object) *keeping {
	t.Helper()
	k := prepare(t, authority, service, apiServices...)
	k.run()
	return k
}

func prepare(t *testing.T, authority []byte, service *corev1.Service, apiServices ...runtime.Object) *keeping {
	k := &keeping{t: t, authority: authority, aggregator: aggregator.NewClientset(apiServices...)}
	clients := kubernetes.NewClientset()
	if service != nil {
		clients = kubernetes.NewClientset(service)
	}
	k.Keeper = newKeeper(k.aggregator, clients, KeeperOptions{
		Service: testService,
		Authority: func() []byte {
			k.mu.Lock()
			defer k.mu.Unlock()
			return k.authority
		},
		Check: func(context.Context) error {
			k.mu.Lock()
			defer k.mu.Unlock()
			return k.check
		},
		Report: func(err error) {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.reports = append(k.reports, err.Error())
		},
	})
	return k
}

func (k *keeping) run() {
	ctx, cancel := context.WithCancel(k.t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		k.Run(ctx)
	}()
	k.t.Cleanup(func() {
		cancel()
		<-ended
	})
}

func (k *keeping) set(change func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change()
}

func (k *keeping) reported() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.reports)
}

// after lets the given time pass and returns the APIService, or nil if there is none.
func (k *keeping) after(passed time.Duration) *apiregistrationv1.APIService {
	k.t.Helper()
	time.Sleep(passed)
	synctest.Wait()
	current, err := k.aggregator.ApiregistrationV1().APIServices().Get(k.t.Context(), APIServiceName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		k.t.Fatal(err)
	}
	return current
}

// available returns the Available condition of an APIService as text.
func available(apiService *apiregistrationv1.APIService) string {
	condition := helper.GetAPIServiceConditionByType(apiService, apiregistrationv1.Available)
	if condition == nil {
		return "unknown"
	}
	return string(condition.Status) + " " + condition.Reason + " " + condition.Message
}

// writes returns the verbs of the changes that the Keeper made.
func (k *keeping) writes() (verbs []string) {
	for _, action := range k.aggregator.Actions() {
		if verb := action.GetVerb(); !slices.Contains([]string{"get", "list", "watch"}, verb) {
			verbs = append(verbs, verb)
		}
	}
	return verbs
}

func apiServiceOf(service Service, bundle ...[]byte) *apiregistrationv1.APIService {
	return &apiregistrationv1.APIService{
		ObjectMeta: metav1.ObjectMeta{Name: APIServiceName, UID: "first"},
		Spec:       apiregistrationv1.APIServiceSpec{Service: service.reference(), CABundle: slices.Concat(bundle...)},
	}
}

func reportedBy(apiService *apiregistrationv1.APIService, reason string) *apiregistrationv1.APIService {
	helper.SetAPIServiceCondition(apiService, apiregistrationv1.APIServiceCondition{
		Type: apiregistrationv1.Available, Status: apiregistrationv1.ConditionTrue, Reason: reason, Message: "ok"})
	return apiService
}

func serviceFor(labels, annotations map[string]string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: testService.Namespace, Name: testService.Name, Labels: labels, Annotations: annotations},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 443}}},
	}
}

var registered = map[string]string{Label: APIServiceName}

func TestTheClusterTrustsANewAuthorityBesideTheOneBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, third := newAuthority(t), newAuthority(t), newAuthority(t)
		blind := reportedBy(apiServiceOf(testService), "Passed")
		blind.Spec.InsecureSkipTLSVerify = true
		k := keep(t, first, nil, blind)
		wants := func(what string, want ...[]byte) {
			t.Helper()
			if got := k.after(2 * keepPeriod).Spec; !sameBundle(t, got.CABundle, want...) || got.InsecureSkipTLSVerify {
				t.Errorf("%s: insecure: %t\n%s\nwant\n%s", what, got.InsecureSkipTLSVerify, got.CABundle, slices.Concat(want...))
			}
		}
		wants("an empty caBundle is filled in", first)
		k.set(func() { k.authority = second })
		wants("a second authority", second, first)
		k.set(func() { k.authority = third })
		wants("a third authority", third, second)
		k.set(func() { k.authority = nil })
		wants("an authority that cannot be read", third, second)
		if reports := k.reported(); len(reports) > 0 {
			t.Errorf("reported: %q", reports)
		}
	})
}

func TestAnAPIServiceThatIsRightIsNotWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		authority := newAuthority(t)
		k := keep(t, authority, nil, reportedBy(apiServiceOf(testService, authority), "Passed"))
		k.after(time.Hour)
		if writes := k.writes(); len(writes) > 0 {
			t.Errorf("%q", writes)
		}
	})
}

func TestAnAPIServiceOfAnotherServerIsLeftAndSaidOnce(t *testing.T) {
	for name, other := range map[string]*apiregistrationv1.APIService{
		"the Service other/docker": apiServiceOf(Service{Namespace: "other", Name: "docker", Port: 443}),
		"kube-apiserver itself":    {ObjectMeta: metav1.ObjectMeta{Name: APIServiceName, UID: "first"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			k := keep(t, newAuthority(t), serviceFor(registered, nil), other)
			k.after(time.Hour)
			if err := k.Unregister(t.Context()); err != nil {
				t.Error(err)
			}
			if writes := k.writes(); len(writes) > 0 {
				t.Errorf("%s: %q", name, writes)
			}
			if reports := k.reported(); len(reports) != 1 || !strings.Contains(reports[0], name) {
				t.Errorf("%s: reported %q", name, reports)
			}
		})
	}
}

func TestTheServerSaysThatItIsAvailableWhereNobodyElseDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := keep(t, nil, nil, apiServiceOf(testService))
		if got := available(k.after(unreportedPeriod - time.Second)); got != "unknown" {
			t.Errorf("before a controller of the cluster had time to report: %s", got)
		}
		for _, test := range []struct {
			check error
			want  string
		}{
			{nil, "True ReportedByServer the server is ready"},
			{errors.New("no engine"), "False ReportedByServer no engine"},
			{nil, "True ReportedByServer the server is ready"},
		} {
			k.set(func() { k.check = test.check })
			if got := available(k.after(2 * keepPeriod)); got != test.want {
				t.Errorf("check says %v: %s", test.check, got)
			}
		}
		writes := k.writes()
		k.after(time.Hour)
		if again := k.writes(); len(again) != len(writes) {
			t.Errorf("an hour without changes: %q", again[len(writes):])
		}
	})
}

func TestAnAPIServiceThatIsMadeAnewGetsItsConditionAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := keep(t, nil, nil, apiServiceOf(testService))
		k.after(time.Minute)
		apiServices := k.aggregator.ApiregistrationV1().APIServices()
		if err := apiServices.Delete(t.Context(), APIServiceName, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		second := apiServiceOf(testService)
		second.UID = "second"
		if _, err := apiServices.Create(t.Context(), second, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		if got := available(k.after(unreportedPeriod - time.Second)); got != "unknown" {
			t.Errorf("before a controller of the cluster had time to report: %s", got)
		}
		if got := available(k.after(2 * keepPeriod)); !strings.HasPrefix(got, "True ReportedByServer") {
			t.Errorf("after a controller of the cluster had time to report: %s", got)
		}
	})
}

func TestAConditionThatTheClusterSetsIsItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := keep(t, nil, nil, reportedBy(apiServiceOf(testService), ReasonReported))
		if got, want := available(k.after(2*keepPeriod)), "True ReportedByServer the server is ready"; got != want {
			t.Fatalf("a condition of an earlier run of the server: %s", got)
		}
		_, err := k.aggregator.ApiregistrationV1().APIServices().UpdateStatus(t.Context(), reportedBy(apiServiceOf(testService), "Passed"), metav1.UpdateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		k.set(func() { k.check = errors.New("no engine") })
		if got, want := available(k.after(time.Hour)), "True Passed ok"; got != want {
			t.Error(got)
		}
	})
}

func TestAnAPIServiceThatIsMissingIsPutBackOnlyForARegisteredService(t *testing.T) {
	going := serviceFor(registered, nil)
	going.DeletionTimestamp, going.Finalizers = ptr.To(metav1.Now()), []string{"test/finalizer"}
	for name, test := range map[string]struct {
		service *corev1.Service
		want    bool
	}{
		"registered":        {serviceFor(registered, nil), true},
		"not registered":    {serviceFor(nil, nil), false},
		"registered for v2": {serviceFor(map[string]string{Label: "v2.other"}, nil), false},
		"being deleted":     {going, false},
		"missing":           {nil, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			authority := newAuthority(t)
			k := keep(t, authority, test.service)
			restored := k.after(2 * keepPeriod)
			if (restored != nil) != test.want {
				t.Fatalf("a Service that is %s: %v", name, restored)
			}
			if !test.want {
				return
			}
			want := apiServiceOf(Service{Namespace: testService.Namespace, Name: testService.Name, Port: 443}, authority)
			if got := restored.Spec; *got.Service.Port != 443 || got.Service.Name != want.Spec.Service.Name || got.Service.Namespace != want.Spec.Service.Namespace ||
				!sameBundle(t, got.CABundle, authority) || got.InsecureSkipTLSVerify || got.Group != "containers.rancherdesktop.io" || got.GroupPriorityMinimum == 0 {
				t.Errorf("restored as %+v", got)
			}
			if !maps.Equal(restored.Labels, registered) {
				t.Errorf("restored with the labels %v", restored.Labels)
			}
		})
	}
}
