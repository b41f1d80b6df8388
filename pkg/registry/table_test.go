// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

var volumes = NewTableConvertor(
	Column[*v1alpha1.Volume]{Name: "Driver", Cell: func(v *v1alpha1.Volume) string { return v.Status.Driver }},
	Column[*v1alpha1.Volume]{Name: "Scope", Priority: 1, Cell: func(v *v1alpha1.Volume) string { return v.Status.Scope }},
)

func TestATableHasARowForEachObject(t *testing.T) {
	remaining := int64(7)
	list := &v1alpha1.VolumeList{
		ListMeta: metav1.ListMeta{ResourceVersion: "5", Continue: "more", RemainingItemCount: &remaining},
		Items: []v1alpha1.Volume{
			{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Status: v1alpha1.VolumeStatus{Driver: "local", Scope: "global"}},
			{ObjectMeta: metav1.ObjectMeta{Name: "b"}},
		},
	}
	table, err := volumes.ConvertToTable(t.Context(), list, nil)
	if err != nil {
		t.Fatal(err)
	}
	if table.ResourceVersion != "5" || table.Continue != "more" || table.RemainingItemCount != &remaining {
		t.Errorf("the list's metadata is %+v", table.ListMeta)
	}
	for i, want := range [][]any{{"a", "local", "global"}, {"b", "<none>", "<none>"}} {
		if !slices.Equal(table.Rows[i].Cells, want) || table.Rows[i].Object.Object != &list.Items[i] {
			t.Errorf("row %d is %v, want %v", i, table.Rows[i].Cells, want)
		}
	}
	for i, want := range []metav1.TableColumnDefinition{
		{Name: "Name", Type: "string", Format: "name", Description: table.ColumnDefinitions[0].Description},
		{Name: "Driver", Type: "string"},
		{Name: "Scope", Type: "string", Priority: 1},
	} {
		if table.ColumnDefinitions[i] != want {
			t.Errorf("column %d is %+v, want %+v", i, table.ColumnDefinitions[i], want)
		}
	}
}

func TestATableOfOneObjectGoesOnWithoutHeaders(t *testing.T) {
	volume := &v1alpha1.Volume{ObjectMeta: metav1.ObjectMeta{Name: "a", ResourceVersion: "5"}}
	table, err := volumes.ConvertToTable(t.Context(), volume, &metav1.TableOptions{NoHeaders: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(table.ColumnDefinitions) != 0 || len(table.Rows) != 1 || table.ResourceVersion != "5" {
		t.Errorf("the table is %+v", table)
	}
}

func TestATableRefusesObjectsOfAnotherKind(t *testing.T) {
	if table, err := volumes.ConvertToTable(t.Context(), &v1alpha1.Image{}, nil); err == nil {
		t.Errorf("the table is %+v", table)
	}
}

func TestAnAgeIsTheTimeSinceTheCreation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for want, created := range map[string]metav1.Time{
			"3m":        metav1.NewTime(time.Now().Add(-3 * time.Minute)),
			"0s":        metav1.NewTime(time.Now().Add(time.Hour)), // the engine's clock is ahead
			"<unknown>": {},
		} {
			volume := &v1alpha1.Volume{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: created}}
			if got := Age[*v1alpha1.Volume]().Cell(volume); got != want {
				t.Errorf("created at %v: %s, want %s", created, got, want)
			}
		}
	})
}
