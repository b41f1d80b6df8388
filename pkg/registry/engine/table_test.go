// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func TestColumnsShowWhatIsKnownOfAnEngine(t *testing.T) {
	ready := func(status metav1.ConditionStatus, reason string) []metav1.Condition {
		return []metav1.Condition{{Type: v1alpha1.EngineReady, Status: status, Reason: reason}}
	}
	for want, status := range map[string]v1alpha1.EngineStatus{
		"moby|<unknown>|<unknown>|<unknown>|<unknown>|<unknown>|<unknown>|<none>|<unknown>|<unknown>": {},
		"moby|<unknown>|False (ConnectFailed)|<unknown>|<unknown>|<unknown>|<unknown>|unix:///x|<unknown>|<unknown>": {
			Endpoint: "unix:///x", Conditions: ready(metav1.ConditionFalse, v1alpha1.EngineConnectFailed)},
		"moby|28.5.2|True|3|2|0|4|unix:///x|linux/amd64|overlay2": {
			Version: "28.5.2", OS: "linux", Architecture: "amd64", Endpoint: "unix:///x", StorageDriver: "overlay2",
			Counts:     &v1alpha1.EngineCounts{Containers: 3, ContainersRunning: 1, Images: 2, Networks: 4},
			Conditions: ready(metav1.ConditionTrue, v1alpha1.EngineConnected)},
		"moby|28.5.2|True|3|<unknown>|<unknown>|0|<none>|<unknown>|<unknown>": {
			Version: "28.5.2", Counts: &v1alpha1.EngineCounts{Containers: 3, Images: 2},
			Conditions: append(ready(metav1.ConditionTrue, v1alpha1.EngineConnected),
				metav1.Condition{Type: v1alpha1.EngineContainersSynced, Status: metav1.ConditionFalse, Reason: v1alpha1.EngineComparisonFailed},
				metav1.Condition{Type: v1alpha1.EngineImagesSynced, Status: metav1.ConditionFalse, Reason: v1alpha1.EngineUnavailable},
				metav1.Condition{Type: v1alpha1.EngineVolumesSynced, Status: metav1.ConditionFalse, Reason: v1alpha1.EngineSyncing})},
	} {
		shown, err := table.ConvertToTable(t.Context(), &v1alpha1.Engine{ObjectMeta: metav1.ObjectMeta{Name: "moby"}, Status: status}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var cells []string
		for _, cell := range shown.Rows[0].Cells {
			cells = append(cells, fmt.Sprint(cell))
		}
		if got := strings.Join(cells, "|"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
