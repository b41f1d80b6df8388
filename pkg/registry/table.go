// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/apiserver/pkg/registry/rest"
)

// A Column is one column of the output of kubectl get. If Priority is not 0, only kubectl get -o wide shows it.
type Column[T any] struct {
	Name        string
	Description string
	Priority    int32
	Cell        func(T) string
}

// NewTableConvertor returns a convertor for objects of type T and their lists. The first column is the name.
func NewTableConvertor[T metav1.Object](columns ...Column[T]) rest.TableConvertor {
	definitions := []metav1.TableColumnDefinition{{
		Name: "Name", Type: "string", Format: "name", Description: "metadata.name of the object.",
	}}
	for _, column := range columns {
		definitions = append(definitions, metav1.TableColumnDefinition{
			Name: column.Name, Type: "string", Description: column.Description, Priority: column.Priority,
		})
	}
	return table[T]{columns, definitions}
}

// Age returns the column for the age of an object.
func Age[T metav1.Object]() Column[T] {
	return Column[T]{
		Name:        "Age",
		Description: "The time since it was created.",
		Cell: func(obj T) string {
			created := obj.GetCreationTimestamp()
			if created.IsZero() {
				return "<unknown>"
			}
			// The engine's clock may be ahead of ours.
			return duration.HumanDuration(max(0, time.Since(created.Time)))
		},
	}
}

// Known returns the cell for a value that may not be known.
func Known(value *bool) string {
	if value == nil {
		return "<unknown>"
	}
	return strconv.FormatBool(*value)
}

type table[T metav1.Object] struct {
	columns     []Column[T]
	definitions []metav1.TableColumnDefinition
}

// ConvertToTable implements rest.TableConvertor.
func (t table[T]) ConvertToTable(_ context.Context, object, options runtime.Object) (*metav1.Table, error) {
	result := &metav1.Table{}
	if options, ok := options.(*metav1.TableOptions); !ok || !options.NoHeaders {
		result.ColumnDefinitions = t.definitions
	}

	if !meta.IsListType(object) {
		accessor, err := meta.Accessor(object)
		if err != nil {
			return nil, err
		}
		result.ResourceVersion = accessor.GetResourceVersion()
		result.Rows, err = t.appendRow(nil, object)
		return result, err
	}

	list, err := meta.ListAccessor(object)
	if err != nil {
		return nil, err
	}
	result.ResourceVersion = list.GetResourceVersion()
	result.Continue = list.GetContinue()
	result.RemainingItemCount = list.GetRemainingItemCount()
	result.Rows = make([]metav1.TableRow, 0, meta.LenList(object))
	err = meta.EachListItem(object, func(item runtime.Object) (err error) {
		result.Rows, err = t.appendRow(result.Rows, item)
		return err
	})
	return result, err
}

func (t table[T]) appendRow(rows []metav1.TableRow, object runtime.Object) ([]metav1.TableRow, error) {
	typed, ok := object.(T)
	if !ok {
		return nil, fmt.Errorf("this table cannot show a %T", object)
	}
	cells := []any{typed.GetName()}
	for _, column := range t.columns {
		cell := column.Cell(typed)
		if cell == "" {
			cell = "<none>"
		}
		cells = append(cells, cell)
	}
	return append(rows, metav1.TableRow{Cells: cells, Object: runtime.RawExtension{Object: object}}), nil
}
