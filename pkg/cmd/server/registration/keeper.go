// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	aggregator "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset"
	"k8s.io/kube-aggregator/pkg/client/informers/externalversions/apiregistration/v1"
)

const (
	// ReasonReported is the reason of an Available condition that the server sets itself.
	ReasonReported = "ReportedByServer"

	// keepPeriod is the time between two checks of the server's authority and health.
	keepPeriod = 5 * time.Second
	// unreportedPeriod is how long the Keeper waits for a controller of the cluster to set the Available condition. After
	// that, the Keeper assumes that there is no such controller.
	unreportedPeriod = 10 * time.Second
	// lastingPeriod is how long an error must last before it is reported.
	lastingPeriod = 15 * time.Second
	callTimeout   = 10 * time.Second
)

// KeeperOptions describe the server to a Keeper.
type KeeperOptions struct {
	Service Service
	// Authority returns the PEM-encoded certificate authority of the server. If Authority is nil or returns nothing, the
	// APIService keeps its caBundle.
	Authority func() []byte
	// Check returns an error while the server cannot answer.
	Check func(context.Context) error
	// Report is called once for each error that lasts. It may be nil.
	Report func(error)
}

// Keeper keeps the APIService of a running server correct.
type Keeper struct {
	KeeperOptions
	aggregator aggregator.Interface
	kubernetes kubernetes.Interface

	// Only Run's goroutine uses the fields below.
	unreported unreported
	failing    failing
}

// unreported is the APIService without an Available condition, and the time since when the Keeper knows of it.
type unreported struct {
	apiService types.UID
	since      time.Time
}

// failing is a series of errors: when it started, and the text that was reported last.
type failing struct {
	since    time.Time
	reported string
}

// NewKeeper returns a keeper that reaches the cluster by config. It sends no request.
func NewKeeper(config *rest.Config, options KeeperOptions) (*Keeper, error) {
	config = rest.CopyConfig(config)
	config.Timeout = 0 // it would end watches; other requests are bounded by their context
	aggregator, err := aggregator.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	kubernetes, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return newKeeper(aggregator, kubernetes, options), nil
}

func newKeeper(aggregator aggregator.Interface, kubernetes kubernetes.Interface, options KeeperOptions) *Keeper {
	if options.Report == nil {
		options.Report = func(error) {}
	}
	return &Keeper{KeeperOptions: options, aggregator: aggregator, kubernetes: kubernetes}
}

// Run keeps the APIService correct until ctx ends. It keeps the server's authority in the caBundle. It sets the Available
// condition if no controller of the cluster does. It restores the APIService if that is gone but its Service is still
// registered.
func (k *Keeper) Run(ctx context.Context) {
	changed := make(chan struct{}, 1)
	notify := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	var watchErr atomic.Pointer[error]
	informer := v1.NewFilteredAPIServiceInformer(k.aggregator, 0, cache.Indexers{}, func(options *metav1.ListOptions) {
		options.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, APIServiceName).String()
	})
	// These two calls fail only after an informer was started or stopped.
	_ = informer.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) {
		if !apierrors.IsResourceExpired(err) && !apierrors.IsGone(err) && !errors.Is(err, io.EOF) {
			watchErr.Store(&err)
		}
	})
	_, _ = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { notify() },
		UpdateFunc: func(any, any) { notify() },
		DeleteFunc: func(any) { notify() },
	})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		informer.RunWithContext(ctx)
	}()
	defer func() { <-ended }()

	ticker := time.NewTicker(keepPeriod)
	defer ticker.Stop()
	for {
		if err := watchErr.Swap(nil); err != nil {
			k.note(fmt.Errorf("watching the APIService %s: %w", APIServiceName, *err))
		} else if informer.HasSynced() {
			k.note(k.keep(ctx, informer.GetStore()))
		}
		select {
		case <-changed:
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// note reports an error after errors have lasted for lastingPeriod. It reports again when the error changes, or when errors
// last again after a success.
func (k *Keeper) note(err error) {
	switch {
	case err == nil:
		k.failing = failing{}
		return
	case errors.Is(err, context.Canceled):
		return
	case k.failing.since.IsZero():
		k.failing.since = time.Now()
	}
	if time.Since(k.failing.since) >= lastingPeriod && err.Error() != k.failing.reported {
		k.failing.reported = err.Error()
		k.Report(err)
	}
}

// ignoreConflict drops errors of writes to an outdated APIService. The informer is about to deliver the newer state, which
// starts the next attempt.
func ignoreConflict(err error) error {
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
