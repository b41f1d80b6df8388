// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/storage"
)

// counting is a storage that counts its calls and does nothing else.
type counting struct {
	storage.Interface
	calls int
}

func (c *counting) Create(context.Context, string, runtime.Object, runtime.Object, uint64) error {
	c.calls++
	return nil
}

func (c *counting) Delete(context.Context, string, runtime.Object, *storage.Preconditions, storage.ValidateObjectFunc, runtime.Object, storage.DeleteOptions) error {
	c.calls++
	return nil
}

func (c *counting) Watch(context.Context, string, storage.ListOptions) (watch.Interface, error) {
	c.calls++
	return watch.NewFake(), nil
}

func (c *counting) Get(context.Context, string, storage.GetOptions, runtime.Object) error {
	c.calls++
	return nil
}

func (c *counting) GetList(context.Context, string, storage.ListOptions, runtime.Object) error {
	c.calls++
	return nil
}

func (c *counting) GuaranteedUpdate(context.Context, string, runtime.Object, bool, *storage.Preconditions, storage.UpdateFunc, runtime.Object) error {
	c.calls++
	return nil
}

func TestOnlyTheEnginesNamespaceAndAllOfThemReachTheEngine(t *testing.T) {
	for key, reaches := range map[string]bool{
		"/containers":            true,
		"/containers/":           true,
		"/containers/ours":       true,
		"/containers/ours/":      true,
		"/containers/ours/web":   true,
		"/containers/other":      false,
		"/containers/other/":     false,
		"/containers/other/web":  false,
		"/containers/other/ours": false,
		"/containers/ours2/web":  false,
	} {
		engine, elsewhere := &counting{}, &counting{}
		joined := InNamespace("ours", Prefix("containers"), engine, elsewhere)
		ctx := t.Context()
		_, err := joined.Watch(ctx, key, storage.ListOptions{})
		for _, err := range []error{
			err,
			joined.Create(ctx, key, nil, nil, 0),
			joined.Delete(ctx, key, nil, nil, nil, nil, storage.DeleteOptions{}),
			joined.Get(ctx, key, storage.GetOptions{}, nil),
			joined.GetList(ctx, key, storage.ListOptions{}, nil),
			joined.GuaranteedUpdate(ctx, key, nil, false, nil, nil, nil),
		} {
			if err != nil {
				t.Error(err)
			}
		}
		want := 0
		if reaches {
			want = 6
		}
		if engine.calls != want || elsewhere.calls != 6-want {
			t.Errorf("%s: %d calls reached the engine, want %d", key, engine.calls, want)
		}
	}
}
