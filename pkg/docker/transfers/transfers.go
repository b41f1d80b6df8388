// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package transfers pulls images from registries and pushes them there. Docker does the work, and the package follows
// what Docker says about it.
package transfers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
)

var imageResource = v1alpha1.Resource("images")

// Report takes what Docker says about a transfer.
type Report interface {
	// Layer reports how far a layer has come. A total of 0 is not known.
	Layer(id, phase string, current, total int64)
	// Complete reports that nothing of a layer is left to transfer.
	Complete(id, phase string)
	// Message reports what Docker says about the image as a whole.
	Message(message string)
	// Digest reports the digest of the image.
	Digest(digest string)
	// Log adds one of Docker's messages to the log, as it is. It replaces the last one with the same key, unless the key is
	// empty.
	Log(key string, message []byte)
}

// Outcome is what a transfer has done.
type Outcome struct {
	// Name is the metadata.name of the Image. It is the image's ID if the image has no tag.
	Name string
	// ID is the image's full ID.
	ID      string
	Digest  string
	Message string
}

// Image is an image reference as Docker understands it.
type Image struct{ named reference.Named }

// Parse returns the image that a valid reference means. A digest wins over a tag, as in Docker.
func Parse(s string) (Image, error) {
	named, err := reference.ParseNormalizedNamed(s)
	if err != nil {
		return Image{}, err
	}
	if digested, ok := named.(reference.Digested); ok {
		named, err = reference.WithDigest(reference.TrimNamed(named), digested.Digest())
		return Image{named}, err
	}
	return Image{reference.TagNameOnly(named)}, nil
}

// String returns the reference in the form that the docker command shows.
func (i Image) String() string { return reference.FamiliarString(i.named) }

// Registry returns the host of the image's registry.
func (i Image) Registry() string { return reference.Domain(i.named) }

// digest returns the digest that the reference has, or "".
func (i Image) digest() string {
	if digested, ok := i.named.(reference.Digested); ok {
		return digested.Digest().String()
	}
	return ""
}

// Engine pulls and pushes the images of one engine.
type Engine struct{ client *connection.Client }

// New returns the transfers of an engine.
func New(client *connection.Client) *Engine { return &Engine{client} }

// Check returns an API error if the engine does not answer.
func (e *Engine) Check() error {
	_, err := e.client.Current()
	return err
}

// Find returns the image if the engine has it for the platform, and nil otherwise. An empty platform is any.
func (e *Engine) Find(ctx context.Context, of Image, platform string) (*Outcome, error) {
	found, err := e.inspect(ctx, of.String())
	if err != nil {
		return nil, connection.APIError("inspect", imageResource, of.String(), err)
	}
	if found == nil || !isFor(found, platform) {
		return nil, nil
	}
	return outcomeOf(found, of, "The image is present: "+of.String()), nil
}

// Has reports whether the engine has an image with that reference or ID for the platform. An empty platform is any.
func (e *Engine) Has(ctx context.Context, reference, platform string) (bool, error) {
	found, err := e.inspect(ctx, reference)
	if err != nil {
		return false, connection.APIError("inspect", imageResource, reference, err)
	}
	return found != nil && isFor(found, platform), nil
}

// isFor reports whether an image is one for the platform.
func isFor(found *image.InspectResponse, platform string) bool {
	if platform == "" {
		return true
	}
	wanted, err := platforms.Parse(strings.ToLower(platform))
	if err != nil {
		return false // Docker says what is wrong with it
	}
	has := ocispec.Platform{OS: found.Os, Architecture: found.Architecture, Variant: found.Variant}
	return platforms.OnlyStrict(wanted).Match(platforms.Normalize(has))
}

func (e *Engine) inspect(ctx context.Context, name string) (*image.InspectResponse, error) {
	if !names.IsImagePath(name) {
		return nil, nil
	}
	return connection.Inspect(ctx, e.client, "/images/"+name+"/json", connection.ReadWhole[image.InspectResponse],
		func(ctx context.Context, c *client.Client) (*image.InspectResponse, error) {
			response, err := c.ImageInspect(ctx, name)
			return &response, err
		})
}

func outcomeOf(found *image.InspectResponse, of Image, message string) *Outcome {
	result := &Outcome{ID: names.ImageID(found.ID), Digest: of.digest(), Message: message}
	result.Name = result.ID
	if result.Digest != "" {
		return result
	}
	result.Name = containers.NameOfTag(of.String())
	repository := reference.FamiliarName(of.named) + "@"
	at := slices.IndexFunc(found.RepoDigests, func(d string) bool { return strings.HasPrefix(d, repository) })
	if at >= 0 {
		result.Digest = found.RepoDigests[at][len(repository):]
	}
	return result
}

// Pull pulls an image. auth is what Docker takes as the header X-Registry-Auth.
func (e *Engine) Pull(ctx context.Context, of Image, platform, auth string, report Report) (Outcome, error) {
	said, err := e.follow(ctx, report, func(ctx context.Context, c *connection.Connection) (io.ReadCloser, error) {
		return c.Docker.ImagePull(ctx, of.named.String(), image.PullOptions{Platform: platform, RegistryAuth: auth})
	})
	if err != nil {
		return Outcome{}, err
	}
	// Docker may have ended its answer because it stopped, and something may have removed the image already.
	found, err := e.inspect(ctx, of.String())
	if err != nil {
		return Outcome{}, e.fail(report, err)
	}
	if found == nil {
		return Outcome{}, e.fail(report, &Failure{v1alpha1.RequestNotFound, fmt.Errorf("the pull of %s ended, but the engine does not have the image: get the request's log, and pull again", of)})
	}
	result := outcomeOf(found, of, said.message)
	if said.digest != "" {
		result.Digest = said.digest
	}
	return *result, nil
}

// Push pushes a tag. auth is what Docker takes as the header X-Registry-Auth.
func (e *Engine) Push(ctx context.Context, of Image, auth string, report Report) (Outcome, error) {
	said, err := e.follow(ctx, report, func(ctx context.Context, c *connection.Connection) (io.ReadCloser, error) {
		return c.Docker.ImagePush(ctx, of.named.String(), image.PushOptions{RegistryAuth: auth})
	})
	if err != nil {
		return Outcome{}, err
	}
	if said.digest == "" {
		return Outcome{}, e.fail(report, &Failure{v1alpha1.RequestEngineLost, errors.New("the engine ended the push without a digest, so the registry may not have the image: push again")})
	}
	result := Outcome{Name: containers.NameOfTag(of.String()), Digest: said.digest, Message: said.message}
	if found, err := e.inspect(ctx, of.String()); err == nil && found != nil {
		result.ID = names.ImageID(found.ID)
	}
	return result, nil
}

// follow makes a request and reports what Docker says until the end.
func (e *Engine) follow(ctx context.Context, report Report, open func(context.Context, *connection.Connection) (io.ReadCloser, error)) (*said, error) {
	stream, err := e.client.Stream(ctx, open)
	if err != nil {
		return nil, e.fail(report, err)
	}
	defer stream.Close()
	said, err := read(stream, report)
	switch {
	case err == nil:
		return said, nil
	case said.failed: // Docker's message about it is in the log
		return nil, failureOf(err)
	case ctx.Err() != nil:
		return nil, err // nobody waits for it
	}
	// Docker tells its own errors as messages. If the messages can be read, any other end is that of the connection.
	if !errors.As(err, new(*Failure)) {
		err = &Failure{v1alpha1.RequestEngineLost, err}
	}
	return nil, e.fail(report, err)
}

// fail logs an error that Docker has not logged, and returns it with its reason.
func (e *Engine) fail(report Report, err error) error {
	failure := failureOf(err)
	report.Log("", ErrorMessage(failure))
	return failure
}
