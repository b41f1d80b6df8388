// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package outage

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/dockerproxy"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// liveKinds has the kinds of objects that the engine holds. list is the path of Docker's list, and condition is the condition
// that says whether the server has read that list.
var liveKinds = []struct{ resource, list, condition string }{
	{"containers", "/containers/json", v1alpha1.EngineContainersSynced},
	{"images", "/images/json", v1alpha1.EngineImagesSynced},
	{"volumes", "/volumes", v1alpha1.EngineVolumesSynced},
	{"networks", "/networks", v1alpha1.EngineNetworksSynced},
}

// lists returns the paths of Docker's lists of all kinds except those.
func lists(except ...string) (paths []string) {
	for _, kind := range liveKinds {
		if !slices.Contains(except, kind.resource) {
			paths = append(paths, kind.list)
		}
	}
	return paths
}

// engineStatus reads the status of the server's Engine.
func engineStatus(t *testing.T, server *testserver.Server) v1alpha1.EngineStatus {
	t.Helper()
	got := get(t, server, namespace+"/engines/"+v1alpha1.EngineName)
	var shown v1alpha1.Engine
	if err := json.Unmarshal([]byte(got.body), &shown); got.code != http.StatusOK || err != nil {
		t.Fatalf("%d %v: %s", got.code, err, got.body)
	}
	return shown.Status
}

// awaitCondition waits until a condition of the Engine has the status and the reason. It returns the message.
func awaitCondition(t *testing.T, server *testserver.Server, condition string, status metav1.ConditionStatus, reason string) (message string) {
	t.Helper()
	eventually(t, func() error {
		c := meta.FindStatusCondition(engineStatus(t, server).Conditions, condition)
		if c == nil || c.Status != status || c.Reason != reason {
			return fmt.Errorf("%s is %+v, not %s with the reason %s", condition, c, status, reason)
		}
		message = c.Message
		return nil
	})
	return message
}

// awaitList waits until the server answers a list of the resource with 200.
func awaitList(t *testing.T, server *testserver.Server, resource string) {
	t.Helper()
	eventually(t, func() error {
		if got := get(t, server, namespace+"/"+resource); got.code != http.StatusOK {
			return fmt.Errorf("a list of %s: %d %s", resource, got.code, got.body)
		}
		return nil
	})
}

func TestAKindThatTheEngineDoesNotListLeavesTheOthers(t *testing.T) {
	for _, refused := range liveKinds {
		t.Run(refused.list, func(t *testing.T) {
			proxy := newProxy(t)
			proxy.Fail(dockerproxy.Refuse(dockerproxy.ToPath(refused.list)))
			server := testserver.Start(t, proxy.Host(), "--ready-requires-engine")
			if !strings.Contains(server.Announced, refused.resource+" of the container engine") || !strings.Contains(server.Announced, "keeps trying") {
				t.Errorf("the server said: %s", server.Announced)
			}
			for _, kind := range liveKinds {
				if kind == refused {
					continue
				}
				awaitList(t, server, kind.resource)
				awaitCondition(t, server, kind.condition, metav1.ConditionTrue, v1alpha1.EngineSyncedReason)
			}
			for _, path := range []string{"/" + refused.resource, "/" + refused.resource + "/any", "/" + refused.resource + "?resourceVersion=0"} {
				got := get(t, server, namespace+path)
				checkRefused(t, path, got, proxy.Host())
				if !strings.Contains(got.body, "the "+refused.resource+" of the container engine") || !strings.Contains(got.body, "Forbidden") {
					t.Errorf("%s: the answer does not name the list that was refused and the reason: %s", path, got.body)
				}
			}
			for _, condition := range []string{refused.condition, v1alpha1.EngineSynced} {
				reason := v1alpha1.EngineUnavailable
				if condition == v1alpha1.EngineSynced {
					reason = v1alpha1.EnginePartlySynced
				}
				message := awaitCondition(t, server, condition, metav1.ConditionFalse, reason)
				if !strings.Contains(message, refused.resource) || !strings.Contains(message, "Forbidden") {
					t.Errorf("%s does not say why: %s", condition, message)
				}
			}
			awaitCondition(t, server, v1alpha1.EngineReady, metav1.ConditionTrue, v1alpha1.EngineConnected)
			for _, path := range []string{"/readyz", "/readyz/container-engine"} {
				if got := get(t, server, path); got.code != http.StatusOK {
					t.Errorf("%s: %d %s", path, got.code, got.body)
				}
			}

			proxy.Fail(nil)
			awaitList(t, server, refused.resource)
			awaitCondition(t, server, v1alpha1.EngineSynced, metav1.ConditionTrue, v1alpha1.EngineSyncedReason)
		})
	}
}

func TestAKindWhoseListHangsLeavesTheOthers(t *testing.T) {
	proxy := newProxy(t)
	proxy.Fail(dockerproxy.Stall(dockerproxy.ToPath("/volumes")))
	server := testserver.StartUnread(t, proxy.Host())
	awaitList(t, server, "containers")
	awaitList(t, server, "images")
	got := get(t, server, namespace+"/volumes")
	checkRefused(t, "volumes", got, proxy.Host())
	if !strings.Contains(got.body, "are being read") {
		t.Errorf("the answer does not say that the volumes are being read: %s", got.body)
	}
	message := awaitCondition(t, server, v1alpha1.EngineSynced, metav1.ConditionFalse, v1alpha1.EngineSyncing)
	if message != "volumes are being read" {
		t.Errorf("the message of the condition Synced is %q", message)
	}
}

func TestReadinessThatRequiresTheEngineRequiresThatSomethingHasBeenRead(t *testing.T) {
	proxy := newProxy(t)
	proxy.Fail(dockerproxy.Stall(dockerproxy.ToPath(lists()...)))
	server := testserver.StartUnread(t, proxy.Host(), "--ready-requires-engine")
	awaitCondition(t, server, v1alpha1.EngineReady, metav1.ConditionTrue, v1alpha1.EngineConnected)
	for path, want := range map[string]int{"/readyz": http.StatusInternalServerError, "/readyz/container-engine": http.StatusOK} {
		if got := get(t, server, path); got.code != want {
			t.Errorf("%s: %d %s", path, got.code, got.body)
		}
	}
	proxy.Fail(dockerproxy.Stall(dockerproxy.ToPath(lists("containers")...)))
	proxy.Drop()
	eventually(t, func() error {
		if got := get(t, server, "/readyz"); got.code != http.StatusOK {
			return fmt.Errorf("/readyz: %d %s", got.code, got.body)
		}
		return nil
	})
}

func TestAnEngineThatDoesNotDescribeItselfIsServed(t *testing.T) {
	for name, engine := range map[string]struct {
		fault       dockerproxy.Fault
		tellsDriver bool
	}{
		"info refused":             {dockerproxy.Refuse(dockerproxy.ToPath("/info")), false},
		"info hangs":               {dockerproxy.Stall(dockerproxy.ToPath("/info")), false},
		"version refused":          {dockerproxy.Refuse(dockerproxy.ToPath("/version")), true},
		"version and info refused": {dockerproxy.Refuse(dockerproxy.ToPath("/info", "/version")), false},
		"ping and info refused":    {dockerproxy.Refuse(dockerproxy.ToPath("/info", "/_ping")), false},
	} {
		t.Run(name, func(t *testing.T) {
			proxy := newProxy(t)
			proxy.Fail(engine.fault)
			server := testserver.Start(t, proxy.Host())
			awaitCondition(t, server, v1alpha1.EngineSynced, metav1.ConditionTrue, v1alpha1.EngineSyncedReason)
			for _, kind := range liveKinds {
				awaitList(t, server, kind.resource)
			}
			if engine.tellsDriver {
				eventually(t, func() error {
					if engineStatus(t, server).StorageDriver == "" {
						return errors.New("the storage driver is not shown")
					}
					return nil
				})
			} else if driver := engineStatus(t, server).StorageDriver; driver != "" {
				t.Errorf("the storage driver is %s", driver)
			}
			proxy.Fail(nil)
			proxy.Drop() // end the requests that hang
			eventually(t, func() error {
				if status := engineStatus(t, server); status.StorageDriver == "" || status.Version == "" {
					return fmt.Errorf("the engine shows as %+v", status)
				}
				return nil
			})
		})
	}
}

func TestAKindThatIsNoLongerListedIsServedByEvents(t *testing.T) {
	proxy := newProxy(t)
	server := testserver.Start(t, proxy.Host(), "--resync-period", "1s")
	awaitCondition(t, server, v1alpha1.EngineSynced, metav1.ConditionTrue, v1alpha1.EngineSyncedReason)
	proxy.Fail(dockerproxy.Refuse(dockerproxy.ToPath(lists()...)))
	for _, kind := range liveKinds {
		awaitCondition(t, server, kind.condition, metav1.ConditionFalse, v1alpha1.EngineComparisonFailed)
	}

	name := engine.UniqueName("seen")
	eng.Create(t, name)
	eng.Volume(t, name, nil)
	eng.Network(t, name, nil)
	formerID := eng.Image(t, name+":v1")
	eng.Image(t, name+":v1")
	for path, want := range map[string]string{"/containers": name, "/volumes": name, "/networks": name, "/images": formerID} {
		if got := get(t, server, namespace+path); got.code != http.StatusOK || !strings.Contains(got.body, want) {
			t.Errorf("%s does not show %s: %d %.300s", path, want, got.code, got.body)
		}
	}

	proxy.Fail(nil)
	awaitCondition(t, server, v1alpha1.EngineSynced, metav1.ConditionTrue, v1alpha1.EngineSyncedReason)
}
