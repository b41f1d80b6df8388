// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"net/http"

	"github.com/docker/docker/api/types/registry"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

type headerKey struct{}

// header returns the values of the header X-Registry-Auth of a request. It is a function, because contexts may be printed.
type header func() []string

// TakeHeader takes the header X-Registry-Auth out of a request and puts it into its context. Find finds it there.
func TakeHeader(r *http.Request) *http.Request {
	values := r.Header.Values(registry.AuthHeader)
	if len(values) == 0 {
		return r
	}
	r.Header.Del(registry.AuthHeader)
	return r.WithContext(context.WithValue(r.Context(), headerKey{}, header(func() []string { return values })))
}

func fromHeader(ctx context.Context) (Credentials, error) {
	given, ok := ctx.Value(headerKey{}).(header)
	if !ok {
		return Credentials{}, nil
	}
	values := given()
	if len(values) > 1 {
		return Credentials{}, apierrors.NewBadRequest("the header X-Registry-Auth is given more than once")
	}
	if values[0] == "" {
		return Credentials{}, nil
	}
	found, err := decode(values[0])
	if err != nil {
		return Credentials{}, apierrors.NewBadRequest("the header X-Registry-Auth cannot be decoded: " + err.Error())
	}
	return found, nil
}
