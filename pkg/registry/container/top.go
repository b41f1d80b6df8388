// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

// Top is the subresource top.
type Top struct {
	owner  *registry.Owner[*v1alpha1.Container]
	engine Engine
}

var (
	_ rest.GetterWithOptions = &Top{}
	_ rest.TableConvertor    = &Top{}
)

// New implements rest.Storage.
func (t *Top) New() runtime.Object { return &v1alpha1.ContainerTop{} }

// Destroy implements rest.Storage.
func (t *Top) Destroy() {}

// NewGetOptions implements rest.GetterWithOptions.
func (t *Top) NewGetOptions() (runtime.Object, bool, string) {
	return &v1alpha1.ContainerTopOptions{}, false, ""
}

// Get implements rest.GetterWithOptions.
func (t *Top) Get(ctx context.Context, name string, options runtime.Object) (runtime.Object, error) {
	parameters := options.(*v1alpha1.ContainerTopOptions)
	if errs := containers.ValidateContainerTopOptions(parameters); len(errs) > 0 {
		return nil, apierrors.NewInvalid(v1alpha1.Kind("ContainerTopOptions"), name, errs)
	}
	container, err := t.owner.Find(ctx, name)
	if err != nil {
		return nil, err
	}
	top, err := t.engine.Top(ctx, container.Status.ID, name, parameters.PSArgs)
	if err != nil {
		return nil, err
	}
	top.Name, top.Namespace, top.UID = container.Name, container.Namespace, container.UID
	return top, nil
}

// ConvertToTable implements rest.TableConvertor. The columns are those of ps.
func (t *Top) ConvertToTable(_ context.Context, object, _ runtime.Object) (*metav1.Table, error) {
	top, ok := object.(*v1alpha1.ContainerTop)
	if !ok {
		return nil, apierrors.NewInternalError(fmt.Errorf("the processes of a container are a %T", object))
	}
	table := &metav1.Table{}
	for _, title := range top.Titles {
		table.ColumnDefinitions = append(table.ColumnDefinitions, metav1.TableColumnDefinition{
			Name: title, Type: "string", Description: "The column " + title + " of ps.",
		})
	}
	of := &v1alpha1.ContainerTop{TypeMeta: top.TypeMeta, ObjectMeta: top.ObjectMeta}
	for _, process := range top.Processes {
		row := metav1.TableRow{Object: runtime.RawExtension{Object: of}}
		for _, value := range process.Values {
			row.Cells = append(row.Cells, value)
		}
		table.Rows = append(table.Rows, row)
	}
	return table, nil
}
