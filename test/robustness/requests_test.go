// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package robustness

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/registry"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/clients"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

const (
	// transferrers is the number of clients that pull and push one image after another.
	transferrers = 3
	// imageBytes is the size of the images that they pull, bytesPerSecond how fast the registry sends each layer.
	imageBytes, bytesPerSecond = 1 << 20, 512 << 10
)

// newDepot starts a registry with an image for each client.
func newDepot(t *testing.T) *clients.Depot {
	t.Helper()
	r := registry.Start(t)
	front := r.Front(t)
	front.Misbehave(registry.Blobs, registry.Slow(bytesPerSecond))
	depot := &clients.Depot{Docker: eng.Client(), Registry: front.Address(), MakeImage: eng.MakeImage}
	for i := range transferrers {
		name := fmt.Sprintf("pulled/%d:v1", i)
		r.Push(t, name, imageBytes/2, imageBytes/2)
		depot.Images = append(depot.Images, name)
	}
	return depot
}

// startRequests starts the clients that pull and push. The function that it returns waits for the end of what they have
// begun.
func (r *round) startRequests(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	for i := range transferrers {
		client := r.newClient(fmt.Sprintf("transferrer %d", i))
		group.Go(func() { client.Transfer(ctx, r.depot, i) })
	}
	return func() {
		cancel()
		group.Wait()
	}
}

// blindRequests forgives requests of a period in which the server showed another engine: it is that engine which has their
// image.
func blindRequests(requests []*history.Request, blind span) {
	for _, request := range requests {
		if request.Ended >= blind.from && request.Began <= blind.to {
			request.Missing = false
		}
	}
}

// requestsOf returns under which name a request is counted.
func requestsOf(request *history.Request) string {
	how := ": gone with the server"
	switch last := request.Conditions[len(request.Conditions)-1]; {
	case meta.IsStatusConditionTrue(last, v1alpha1.RequestComplete):
		how = isComplete
	case meta.IsStatusConditionTrue(last, v1alpha1.RequestFailed):
		how = ": Failed, " + meta.FindStatusCondition(last, v1alpha1.RequestFailed).Reason
	case request.Deleted:
		how = ": deleted"
	}
	return "requests, " + request.Kind + how
}

const isComplete = ": Complete"

// neverComplete returns the kinds of requests of which none was seen to be complete.
func neverComplete(counts map[string]int64) []string {
	return slices.DeleteFunc([]string{"pull", "push"}, func(kind string) bool { return counts["requests, "+kind+isComplete] > 0 })
}

func TestRequestsThatAreNeverCompleteAreNoticed(t *testing.T) {
	counts := map[string]int64{"requests, pull: Complete": 1, "requests, push: Failed, EngineLost": 1}
	if kinds := neverComplete(counts); !slices.Equal(kinds, []string{"push"}) {
		t.Errorf("%q", kinds)
	}
}
