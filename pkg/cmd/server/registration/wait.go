// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/kube-aggregator/pkg/apis/apiregistration/v1/helper"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

const pollPeriod = 500 * time.Millisecond

// errExternalName means that the cluster needs endpoints and cannot use a Service of type ExternalName.
var errExternalName = errors.New("the cluster does not resolve Services of type ExternalName")

// wait waits until the server answers through the cluster. Its error says why the server does not. byName means that the
// Service is of type ExternalName and could have endpoints instead: wait returns errExternalName as soon as the control plane
// refuses that type.
func (c *Cluster) wait(ctx context.Context, options Options, byName bool, timeout time.Duration, out io.Writer) error {
	found := finding{reason: reasonUnknown}
	err := wait.PollUntilContextTimeout(ctx, pollPeriod, timeout, true, func(ctx context.Context) (bool, error) {
		current, err := c.apiService(ctx)
		if err != nil {
			if ctx.Err() == nil {
				found = finding{reasonUnreadable, err.Error()}
			}
			return false, nil
		}
		if current == nil {
			return false, fmt.Errorf("the APIService %s was deleted while register waited for it: register again", APIServiceName)
		}
		if found = findingOf(current); !found.good() {
			if strings.Contains(found.message, externalNameRefused) && byName {
				return false, errExternalName
			}
			return false, nil
		}
		// The condition may be outdated. Ask the server itself.
		err = c.kubernetes.Discovery().RESTClient().Get().AbsPath("/apis", v1alpha1.SchemeGroupVersion.String()).Do(ctx).Error()
		if err != nil && ctx.Err() == nil {
			found = finding{reasonDiscovery, oneLine(err.Error())}
		}
		return err == nil, nil
	})
	switch {
	case err == nil:
		fmt.Fprintf(out, "apiservice %s is available\n", APIServiceName)
		c.warnOfEngine(ctx, options, out)
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("stopped waiting for the APIService %s: %w", APIServiceName, ctx.Err())
	case wait.Interrupted(err):
		return fmt.Errorf("the APIService %s is not available: %s", APIServiceName, found.advice(options))
	}
	return err
}

func findingOf(apiService *apiregistrationv1.APIService) finding {
	condition := helper.GetAPIServiceConditionByType(apiService, apiregistrationv1.Available)
	switch {
	case condition == nil:
		return finding{reason: reasonNoCondition}
	case condition.Status == apiregistrationv1.ConditionTrue:
		return finding{}
	}
	return finding{condition.Reason, oneLine(condition.Message)}
}

// warnOfEngine warns the user if the available server shows no engine.
func (c *Cluster) warnOfEngine(ctx context.Context, options Options, out io.Writer) {
	const name = "moby"
	object, err := c.dynamic.Resource(v1alpha1.SchemeGroupVersion.WithResource("engines")).Namespace(options.Namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		fmt.Fprintf(out, "warning: the server shows no engine in the namespace %s: give serve and register the same --namespace\n", options.Namespace)
		return
	}
	if err != nil {
		fmt.Fprintf(out, "warning: the engine cannot be read: %s\n", oneLine(err.Error()))
		return
	}
	engine, err := decodeEngine(object)
	if err != nil {
		fmt.Fprintf(out, "warning: the engine cannot be read: %s\n", oneLine(err.Error()))
		return
	}
	condition := meta.FindStatusCondition(engine.Status.Conditions, v1alpha1.EngineReady)
	if condition != nil && condition.Status == metav1.ConditionFalse {
		fmt.Fprintf(out, "warning: the server is available, but its container engine is not (%s): %s\n", condition.Reason, oneLine(condition.Message))
		return
	}
	fmt.Fprintf(out, "Try: kubectl get containers,images,volumes -n %s\n", options.Namespace)
}

func decodeEngine(object *unstructured.Unstructured) (*v1alpha1.Engine, error) {
	engine := &v1alpha1.Engine{}
	return engine, runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, engine)
}
