// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"encoding/json"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
	"github.com/rancher-sandbox/engine-apiserver/pkg/streaming"
)

// newArchive returns the subresource archive.
func newArchive(owner *registry.Owner[*v1alpha1.Container], engine Engine, streams Streams) *Stream[*v1alpha1.ContainerArchiveOptions] {
	return &Stream[*v1alpha1.ContainerArchiveOptions]{
		owner: owner, streams: streams, kind: "ContainerArchiveOptions",
		newOptions: func() *v1alpha1.ContainerArchiveOptions { return &v1alpha1.ContainerArchiveOptions{} },
		validate:   containers.ValidateContainerArchiveOptions,
		serve: func(w http.ResponseWriter, r *http.Request, of target, options *v1alpha1.ContainerArchiveOptions) error {
			if options.Stat {
				return answerStat(w, r, engine, of, options.Path)
			}
			command := streaming.Command{Kind: "archive", Stdin: options.Stdin, Stdout: options.Stdout}
			return streams.Sessions.Execute(w, r, command, &execution{prepare: func(ctx context.Context) (runner, error) {
				if options.Stdin {
					return engine.WriteArchive(ctx, of.id, of.name, options.Path)
				}
				return engine.ReadArchive(ctx, of.id, of.name, options.Path)
			}})
		},
	}
}

// answerStat answers what is at a path.
func answerStat(w http.ResponseWriter, r *http.Request, engine Engine, of target, path string) error {
	if r.Method != http.MethodGet {
		return apierrors.NewBadRequest("stat is answered to GET only")
	}
	stat, err := engine.Stat(r.Context(), of.id, of.name, path)
	if err != nil {
		return err
	}
	encoded, err := json.Marshal(stat)
	if err != nil {
		return apierrors.NewInternalError(err)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(encoded) // If that fails, the client has left.
	return nil
}
