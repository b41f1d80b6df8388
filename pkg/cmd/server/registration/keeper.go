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
	// ReasonReported is that of an Available condition which the server sets itself.
	ReasonReported = "ReportedByServer"

	// keepPeriod is how often the server's authority and health are looked at.
	keepPeriod = 5 * time.Second
	// unreportedPeriod is how long a cluster may take to set an Available condition before it is taken to have no
	// controller that does.
	unreportedPeriod = 10 * time.Second
	// lastingPeriod is how long something must go wrong before it is reported.
	lastingPeriod = 15 * time.Second
	callTimeout   = 10 * time.Second
)

// KeeperOptions are what a Keeper must know of the server.
type KeeperOptions struct {
	Service Service
	// Authority returns the certificate authority of the server, PEM encoded. Where it is nil, or what it returns,
	// the APIService keeps the one it has.
	Authority func() []byte
	// Check returns an error while the server cannot answer.
	Check func(context.Context) error
	// Report is told of errors that last, once for each, and may be nil.
	Report func(error)
}

// Keeper keeps the APIService of a running server right.
type Keeper struct {
	KeeperOptions
	aggregator aggregator.Interface
	kubernetes kubernetes.Interface

	// What follows belongs to Run.
	unreported unreported
	failing    failing
}

// unreported is the APIService that nobody has set a condition of, and since when.
type unreported struct {
	apiService types.UID
	since      time.Time
}

// failing is the error that was met last, since when there are errors, and what was reported of them.
type failing struct {
	since    time.Time
	reported string
}

// NewKeeper returns a keeper that acts as config says. Nothing is called.
func NewKeeper(config *rest.Config, options KeeperOptions) (*Keeper, error) {
	config = rest.CopyConfig(config)
	config.Timeout = 0 // a watch lasts; other calls have a context
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

// Run keeps the caBundle of the APIService at the server's authority, sets its Available condition where nobody else
// does, and puts it back where it was taken away but not its Service. It returns when ctx has ended.
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
	// The informer has not run, and refuses neither.
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
			k.note(fmt.Errorf("following the APIService %s: %w", APIServiceName, *err))
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

// note reports an error once it has lasted, and again only when it has become another one or was gone.
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

// ignoreConflict drops an error that the next change of the APIService answers.
func ignoreConflict(err error) error {
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
