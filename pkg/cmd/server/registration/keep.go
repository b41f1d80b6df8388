// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/kube-aggregator/pkg/apis/apiregistration/v1/helper"
)

// keep corrects the APIService once. known is the informer's store, which holds the APIService or nothing.
func (k *Keeper) keep(ctx context.Context, known cache.Store) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	stored, exists, err := known.GetByKey(APIServiceName)
	if err != nil {
		return err
	}
	if !exists {
		return k.restore(ctx)
	}
	current := stored.(*apiregistrationv1.APIService)
	if !k.ours(current) {
		return fmt.Errorf("the APIService %s leads to %s, not to the Service %s/%s: the cluster does not reach this server",
			APIServiceName, target(current), k.Service.Namespace, k.Service.Name)
	}
	updated, err := k.keepBundle(ctx, current)
	if err != nil {
		return ignoreConflict(fmt.Errorf("updating the caBundle of the APIService %s: %w", APIServiceName, err))
	}
	if err := k.keepCondition(ctx, updated); err != nil {
		return ignoreConflict(fmt.Errorf("updating the condition Available of the APIService %s: %w", APIServiceName, err))
	}
	return nil
}

func (k *Keeper) keepBundle(ctx context.Context, current *apiregistrationv1.APIService) (*apiregistrationv1.APIService, error) {
	authority := k.authority()
	if authority == nil {
		return current, nil
	}
	wanted, err := bundle(authority, current.Spec.CABundle, time.Now())
	if err != nil || bytes.Equal(wanted, current.Spec.CABundle) {
		return current, err
	}
	changed := current.DeepCopy()
	changed.Spec.CABundle = wanted
	changed.Spec.InsecureSkipTLSVerify = false // Kubernetes refuses it together with a caBundle
	return k.aggregator.ApiregistrationV1().APIServices().Update(ctx, changed, metav1.UpdateOptions{FieldManager: fieldManager})
}

func (k *Keeper) authority() []byte {
	if k.Authority == nil {
		return nil
	}
	if authority := k.Authority(); len(authority) > 0 {
		return authority
	}
	return nil
}

// keepCondition sets the condition Available, unless a controller of the cluster sets it. It gives such a controller
// unreportedPeriod to do so.
func (k *Keeper) keepCondition(ctx context.Context, current *apiregistrationv1.APIService) error {
	condition := helper.GetAPIServiceConditionByType(current, apiregistrationv1.Available)
	switch {
	case condition != nil && condition.Reason != ReasonReported:
		return nil
	case condition == nil:
		if k.unreported.apiService != current.UID {
			k.unreported = unreported{current.UID, time.Now()}
		}
		if time.Since(k.unreported.since) < unreportedPeriod {
			return nil
		}
	}
	return k.setCondition(ctx, current, k.Check(ctx))
}

func (k *Keeper) setCondition(ctx context.Context, current *apiregistrationv1.APIService, reason error) error {
	wanted := apiregistrationv1.APIServiceCondition{
		Type:               apiregistrationv1.Available,
		Status:             apiregistrationv1.ConditionTrue,
		LastTransitionTime: metav1.Now(),
		Reason:             ReasonReported,
		Message:            "the server is ready",
	}
	if reason != nil {
		wanted.Status = apiregistrationv1.ConditionFalse
		wanted.Message = reason.Error()
	}
	condition := helper.GetAPIServiceConditionByType(current, apiregistrationv1.Available)
	if condition != nil && condition.Status == wanted.Status && condition.Message == wanted.Message {
		return nil
	}
	changed := current.DeepCopy()
	helper.SetAPIServiceCondition(changed, wanted)
	_, err := k.aggregator.ApiregistrationV1().APIServices().UpdateStatus(ctx, changed, metav1.UpdateOptions{FieldManager: fieldManager})
	return err
}

// restore makes the APIService again if its Service is still registered.
func (k *Keeper) restore(ctx context.Context) error {
	service, err := k.service(ctx)
	if service == nil || err != nil {
		return err
	}
	apiService, err := apiServiceFor(k.Service, service)
	if err != nil {
		return err
	}
	apiService.Spec.CABundle = k.trusted(service)
	_, err = k.aggregator.ApiregistrationV1().APIServices().Create(ctx, apiService, metav1.CreateOptions{FieldManager: fieldManager})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("restoring the APIService %s: %w", APIServiceName, err)
	}
	return nil
}

// trusted returns the caBundle for a restored APIService, or nil if it is not known.
func (k *Keeper) trusted(service *corev1.Service) []byte {
	if authority := k.authority(); authority != nil {
		return authority
	}
	return []byte(service.Annotations[bundleAnnotation])
}

// Unregister deletes the APIService if it leads to this server and if the server can restore it at its next start.
// Otherwise the APIService stays. If the server itself reported it as available, Unregister reports it as unavailable.
func (k *Keeper) Unregister(ctx context.Context) error {
	apiServices := k.aggregator.ApiregistrationV1().APIServices()
	current, err := apiServices.Get(ctx, APIServiceName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the APIService %s: %w", APIServiceName, err)
	}
	if !k.ours(current) {
		return nil
	}
	service, err := k.service(ctx)
	if err != nil {
		return err
	}
	if service == nil || len(k.trusted(service)) == 0 {
		condition := helper.GetAPIServiceConditionByType(current, apiregistrationv1.Available)
		if condition == nil || condition.Reason != ReasonReported {
			return nil
		}
		return k.setCondition(ctx, current, errors.New("the server was stopped"))
	}
	err = apiServices.Delete(ctx, APIServiceName, metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(current.UID))})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting the APIService %s: %w", APIServiceName, err)
	}
	return nil
}

// service returns the server's Service, or nil if it is missing, is being deleted or does not carry the label of a
// registered server.
func (k *Keeper) service(ctx context.Context) (*corev1.Service, error) {
	service, err := k.kubernetes.CoreV1().Services(k.Service.Namespace).Get(ctx, k.Service.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the Service %s/%s: %w", k.Service.Namespace, k.Service.Name, err)
	}
	if service.Labels[Label] != APIServiceName || service.DeletionTimestamp != nil {
		return nil, nil
	}
	return service, nil
}

func (k *Keeper) ours(apiService *apiregistrationv1.APIService) bool {
	reference := apiService.Spec.Service
	return reference != nil && reference.Namespace == k.Service.Namespace && reference.Name == k.Service.Name
}

// target describes the server that an APIService leads to.
func target(apiService *apiregistrationv1.APIService) string {
	if reference := apiService.Spec.Service; reference != nil {
		return "the Service " + reference.Namespace + "/" + reference.Name
	}
	return "kube-apiserver itself"
}
