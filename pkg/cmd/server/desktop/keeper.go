// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package desktop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	informers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

const (
	// retryPeriod is how long a failed attempt waits for the next one.
	retryPeriod  = 5 * time.Second
	callTimeout  = 10 * time.Second
	fieldManager = "engine-apiserver"
)

// Keeper keeps the entry of a running server in the ConfigMap of a desktop program. Where there is no such ConfigMap, it does
// nothing.
type Keeper struct {
	// Client is a client of the control plane.
	Client kubernetes.Interface
	// Entry returns the entry of the server. It opens what the entry names.
	Entry func(context.Context) (Entry, error)
	// Close closes what Entry has opened.
	Close func(context.Context)

	// Only Run uses the fields below, and Unregister after it.

	// written is the entry in the ConfigMap with the UID in.
	written  string
	in       types.UID
	reported string // the failure that was reported last
}

// Run adds the entry whenever the ConfigMap appears, until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	changed, failed := make(chan struct{}, 1), make(chan error, 1)
	notify := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	informer := informers.NewFilteredConfigMapInformer(k.Client, Namespace, 0, cache.Indexers{}, func(options *metav1.ListOptions) {
		options.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, Name).String()
	})
	// These two calls fail only after an informer was started or stopped.
	_ = informer.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) {
		select {
		case failed <- err:
		default:
		}
	})
	_, _ = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { notify() },
		UpdateFunc: func(any, any) { notify() },
	})
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() { informer.RunWithContext(ctx) })

	var retry <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case err := <-failed:
			k.report(ctx, fmt.Errorf("watching the ConfigMap %s/%s: %w", Namespace, Name, err))
			continue
		case <-retry:
		case <-changed:
		}
		retry = nil
		if err := k.keep(ctx, informer.GetStore()); err != nil {
			k.report(ctx, err)
			retry = time.After(retryPeriod)
		}
	}
}

// keep adds the entry to the ConfigMap in known, unless it is there. An entry that is there when the server finds the
// ConfigMap is of a server that was killed. One that replaces the server's own later is of a server that started later.
func (k *Keeper) keep(ctx context.Context, known cache.Store) error {
	found, exists, err := known.GetByKey(Namespace + "/" + Name)
	if err != nil || !exists {
		return err
	}
	configMap := found.(*corev1.ConfigMap)
	if _, hasEntry := configMap.Data[Key]; hasEntry && configMap.UID == k.in {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if k.written == "" {
		entry, err := k.Entry(ctx)
		if err != nil {
			return err
		}
		encoded, err := json.Marshal(entry)
		if err != nil {
			return fmt.Errorf("encoding the entry for desktop programs: %w", err)
		}
		k.written = string(encoded)
	}
	// The patch has nothing but the key, so it conflicts with nobody.
	patched, err := k.patch(ctx, types.MergePatchType, map[string]any{"data": map[string]string{Key: k.written}})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("adding the entry %s to the ConfigMap %s/%s: %w", Key, Namespace, Name, err)
	}
	k.in = patched.UID
	return nil
}

// Unregister takes the entry away if it is the server's own, and closes what it names. Call it after the end of Run.
func (k *Keeper) Unregister(ctx context.Context) error {
	defer k.Close(ctx)
	if k.in == "" {
		return nil
	}
	path := "/data/" + Key
	_, err := k.patch(ctx, types.JSONPatchType, []map[string]string{
		{"op": "test", "path": path, "value": k.written},
		{"op": "remove", "path": path},
	})
	// The API server says that a patch is invalid if its test fails.
	if err == nil || apierrors.IsNotFound(err) || apierrors.IsInvalid(err) {
		return nil
	}
	return fmt.Errorf("taking the entry %s away from the ConfigMap %s/%s: %w", Key, Namespace, Name, err)
}

func (k *Keeper) patch(ctx context.Context, kind types.PatchType, patch any) (*corev1.ConfigMap, error) {
	content, err := json.Marshal(patch)
	if err != nil {
		return nil, err
	}
	return k.Client.CoreV1().ConfigMaps(Namespace).Patch(ctx, Name, kind, content, metav1.PatchOptions{FieldManager: fieldManager})
}

// report logs a failure, unless it is the one that was logged last. Most control planes have no such ConfigMap. So it is no
// news if the ConfigMap cannot be watched because it is absent, or because the watch has to begin again.
func (k *Keeper) report(ctx context.Context, err error) {
	if apierrors.IsNotFound(err) || apierrors.IsResourceExpired(err) || apierrors.IsGone(err) || errors.Is(err, io.EOF) || ctx.Err() != nil {
		return
	}
	if text := err.Error(); text != k.reported {
		k.reported = text
		klog.FromContext(ctx).Info("Desktop programs are not told of this server", "reason", text)
	}
}
