// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package clients_test

import (
	"fmt"
	"testing"

	"k8s.io/client-go/tools/cache"

	"github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned"
	"github.com/rancher-sandbox/engine-apiserver/pkg/generated/informers/externalversions"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

func TestAnInformerHasTheMetricsOfTheContainersThatRun(t *testing.T) {
	first, second := engine.UniqueName("metered"), engine.UniqueName("metered")
	id := eng.Run(t, first)
	config := testserver.Start(t, eng.Host()).Config(t)
	clients, err := versioned.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	factory := externalversions.NewSharedInformerFactoryWithOptions(clients, 0, externalversions.WithNamespace(testserver.Namespace))
	informer := factory.Containers().V1alpha1().ContainerMetricses()
	shared, lister := informer.Informer(), informer.Lister().ContainerMetricses(testserver.Namespace)
	t.Cleanup(factory.Shutdown)
	factory.StartWithContext(t.Context())
	if !cache.WaitForCacheSync(t.Context().Done(), shared.HasSynced) {
		t.Fatal("the informer has not synced")
	}
	eventually(t, func() string { // an engine may be slow to measure
		if shown, err := lister.Get(first); err != nil || shown.ID != id || shown.Usage.Memory == nil {
			return fmt.Sprintf("%+v, %v", shown, err)
		}
		return ""
	})
	eng.Run(t, second)
	eventually(t, func() string {
		if shown, err := lister.Get(second); err != nil || shown.Usage.CPU == nil {
			return "the metrics of a new container are not complete"
		}
		return ""
	})
	if err := eng.Client().ContainerKill(t.Context(), first, "KILL"); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		if shown, err := lister.Get(first); err == nil {
			return "the metrics of " + shown.Name + " are still there"
		}
		return ""
	})
}
