// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage/names"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

// Strategy is the strategy of a kind that cannot be updated. Other strategies embed it.
type Strategy struct{ runtime.ObjectTyper }

var _ rest.RESTUpdateStrategy = Strategy{}

// NamespaceScoped implements rest.RESTUpdateStrategy.
func (Strategy) NamespaceScoped() bool { return true }

// AllowCreateOnUpdate implements rest.RESTUpdateStrategy.
func (Strategy) AllowCreateOnUpdate(context.Context) bool { return false }

// AllowUnconditionalUpdate implements rest.RESTUpdateStrategy.
func (Strategy) AllowUnconditionalUpdate(context.Context) bool { return true }

// PrepareForUpdate implements rest.RESTUpdateStrategy.
func (Strategy) PrepareForUpdate(context.Context, runtime.Object, runtime.Object) {}

// ValidateUpdate implements rest.RESTUpdateStrategy.
func (Strategy) ValidateUpdate(context.Context, runtime.Object, runtime.Object) field.ErrorList {
	return nil
}

// WarningsOnUpdate implements rest.RESTUpdateStrategy.
func (Strategy) WarningsOnUpdate(context.Context, runtime.Object, runtime.Object) []string {
	return nil
}

// Canonicalize implements rest.RESTUpdateStrategy.
func (Strategy) Canonicalize(runtime.Object) {}

// KeepMetadata drops the changes of the type and the metadata that clients cannot make.
func KeepMetadata(updated, existing Object) {
	updated.GetObjectKind().SetGroupVersionKind(existing.GetObjectKind().GroupVersionKind())
	updated.SetManagedFields(existing.GetManagedFields())
	updated.SetGenerateName(existing.GetGenerateName())
	updated.SetSelfLink(existing.GetSelfLink())
}

// CreatableStrategy is the strategy of a kind that can be created and updated. Other strategies embed it.
type CreatableStrategy struct {
	Strategy
	names.NameGenerator
	// lastAppliedUntil says how long the server keeps what kubectl applied last.
	lastAppliedUntil string
}

// NewCreatableStrategy returns the strategy of a kind. lastAppliedUntil says how long the server keeps what kubectl applied last,
// such as "the server or the volume ends".
func NewCreatableStrategy(typer runtime.ObjectTyper, lastAppliedUntil string) CreatableStrategy {
	return CreatableStrategy{Strategy{typer}, names.SimpleNameGenerator, lastAppliedUntil}
}

// WarningsOnCreate implements rest.RESTCreateStrategy.
func (s CreatableStrategy) WarningsOnCreate(_ context.Context, object runtime.Object) []string {
	return s.warnOfLastApplied(object, &metav1.ObjectMeta{})
}

// WarningsOnUpdate implements rest.RESTUpdateStrategy.
func (s CreatableStrategy) WarningsOnUpdate(_ context.Context, updated, old runtime.Object) []string {
	return s.warnOfLastApplied(updated, old.(metav1.Object))
}

// warnOfLastApplied returns a warning if the configuration that kubectl applied last has changed.
func (s CreatableStrategy) warnOfLastApplied(updated runtime.Object, old metav1.Object) []string {
	if source.AppliedTo(updated.(metav1.Object)) == source.AppliedTo(old) {
		return nil
	}
	return []string{"Docker cannot store the annotation " + corev1.LastAppliedConfigAnnotation + ": it is kept in memory until " + s.lastAppliedUntil}
}

// WarnOfSpecLabels returns a warning if a label in a spec is a valid Kubernetes label. It will be shown in the metadata.
func WarnOfSpecLabels(labels map[string]string) []string {
	selectable := containers.Selectable(labels)
	if len(selectable) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("spec.labels has labels that Kubernetes can select by (%s): they show in metadata.labels. Write them there, so that kubectl apply finds nothing to change",
		strings.Join(slices.Sorted(maps.Keys(selectable)), ", "))}
}
