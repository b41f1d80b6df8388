// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/registry"
	"github.com/docker/docker/pkg/jsonmessage"
	"github.com/moby/term"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/exec"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned/scheme"
)

// cancelTimeout is how long an interrupted command tries to cancel what the server does for it.
const cancelTimeout = 10 * time.Second

// transfer is a command that has the server pull or push an image.
type transfer struct {
	*plugin
	verb     string // pull or push
	work     string // download or upload
	resource string // of the requests for it
	empty    func() imageRequest
	quiet    bool
	// namesQuietly is true if docker prints the name of the image only with --quiet, and not in any case.
	namesQuietly bool
}

// imageRequest is an ImagePullRequest or an ImagePushRequest.
type imageRequest interface {
	runtime.Object
	metav1.Object
}

// nameLength is how many letters and digits the name of a request has.
const nameLength = 10

// newName returns a name for a request. The server does not choose it, so that a command can also cancel a request that
// it has sent and was not told of.
func (t *transfer) newName() string { return t.verb + "-" + rand.String(nameLength) }

// job is a request that the server works at.
type job struct {
	*transfer
	engine *engine
	name   string
}

// run creates a request, shows Docker's messages, and returns when the request has ended. If the user interrupts it, it
// cancels the request.
func (t *transfer) run(ctx context.Context, image reference.Named, request imageRequest) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	e, err := t.engine(ctx, t.warnings())
	if err != nil {
		return err
	}
	j := &job{transfer: t, engine: e, name: request.GetName()}
	switch err = j.do(ctx, request, t.registryAuth(image)); {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		stop() // another interrupt ends the command at once
		return j.cancel(context.WithoutCancel(ctx))
	}
	return fmt.Errorf("cannot %s %s: %w", t.verb, reference.FamiliarString(image), err)
}

// do creates the request and shows how it ends.
func (j *job) do(ctx context.Context, request imageRequest, credentials string) error {
	if err := j.create(ctx, request, credentials); err != nil {
		return err
	}
	shown := j.quiet || j.show(ctx)
	status, err := j.finish(ctx)
	if err != nil || shown {
		return err
	}
	return j.summarize(status)
}

// create creates the request. The credentials are in a header, and so in no object.
func (j *job) create(ctx context.Context, request imageRequest, credentials string) error {
	post := j.engine.rest.Post().Namespace(j.engine.namespace).Resource(j.resource).
		VersionedParams(&metav1.CreateOptions{FieldManager: fieldManager}, scheme.ParameterCodec)
	if credentials != "" {
		post.SetHeader(registry.AuthHeader, credentials)
	}
	return j.engine.explain(j.resource, post.Body(request).Do(ctx).Error())
}

// named makes a request one for the object.
func (j *job) named(request *rest.Request) *rest.Request {
	return request.Namespace(j.engine.namespace).Resource(j.resource).Name(j.name)
}

// show shows Docker's messages as they come, as the docker command does: with bars on a terminal, else as lines. It
// reports whether it has shown all of them. How the request ends is in its status: there the error stands, too.
func (j *job) show(ctx context.Context) (all bool) {
	options := &v1alpha1.ImageRequestLogOptions{Follow: true, Format: v1alpha1.LogFormatJSON}
	log, err := j.named(j.engine.rest.Get()).SubResource("log").VersionedParams(options, scheme.ParameterCodec).Stream(ctx)
	if err != nil {
		return false
	}
	defer log.Close()
	fd, isTerminal := term.GetFdInfo(j.Out)
	err = jsonmessage.DisplayJSONMessagesStream(log, j.Out, fd, isTerminal, nil)
	return err == nil || errors.As(err, new(*jsonmessage.JSONError))
}

// errGone is the error of a command whose request went before it had ended.
var errGone = errors.New("the server no longer has the request: somebody has deleted it, or the server has restarted")

// finish waits until the request has ended, and returns its status. If the request failed, it returns the reason.
func (j *job) finish(ctx context.Context) (*v1alpha1.ImageRequestStatus, error) {
	for {
		now := j.empty()
		err := j.named(j.engine.rest.Get()).Do(ctx).Into(now)
		if isAbsent(err) {
			return nil, errGone
		}
		if err != nil {
			return nil, err
		}
		if status := statusOf(now); hasEnded(status) {
			return status, failure(status)
		}
		if err := j.watch(ctx, now.GetResourceVersion()); err != nil {
			return nil, err
		}
	}
}

// watch returns when the request has ended or is gone, or when the watch ends. The next look at the request tells which.
func (j *job) watch(ctx context.Context, version string) error {
	events, err := j.engine.rest.Get().Namespace(j.engine.namespace).Resource(j.resource).VersionedParams(&metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, j.name).String(), ResourceVersion: version, Watch: true,
	}, scheme.ParameterCodec).Watch(ctx)
	if err != nil {
		return err
	}
	defer events.Stop()
	for event := range events.ResultChan() {
		if event.Type != watch.Modified || hasEnded(statusOf(event.Object)) {
			return nil
		}
	}
	return nil
}

func statusOf(request runtime.Object) *v1alpha1.ImageRequestStatus {
	switch request := request.(type) {
	case *v1alpha1.ImagePullRequest:
		return &request.Status
	case *v1alpha1.ImagePushRequest:
		return &request.Status
	}
	return &v1alpha1.ImageRequestStatus{}
}

func hasEnded(status *v1alpha1.ImageRequestStatus) bool {
	return meta.IsStatusConditionTrue(status.Conditions, v1alpha1.RequestFinished)
}

// failure returns the reason for which a request failed, or nil.
func failure(status *v1alpha1.ImageRequestStatus) error {
	if failed := meta.FindStatusCondition(status.Conditions, v1alpha1.RequestFailed); failed != nil && failed.Status == metav1.ConditionTrue {
		if failed.Message == "" {
			return errors.New(failed.Reason)
		}
		return errors.New(failed.Message)
	}
	return nil
}

// cancel deletes the request, which ends what the server does for it, and returns the exit code of an interrupted
// command.
func (j *job) cancel(ctx context.Context) error {
	const interrupted = 128 + int(syscall.SIGINT)
	ctx, giveUp := context.WithTimeout(ctx, cancelTimeout)
	defer giveUp()
	err := j.named(j.engine.rest.Delete()).Do(ctx).Error()
	if err != nil && !isAbsent(err) {
		return fmt.Errorf("interrupted, but the %s goes on, because it cannot be cancelled: %w (kubectl delete %s %s cancels it)", j.verb, err, j.verb, j.name)
	}
	fmt.Fprintf(j.ErrOut, "interrupted: the %s is cancelled\n", j.verb)
	return exec.CodeExitError{Err: errors.New("interrupted"), Code: interrupted}
}

// summarize prints what the status says about the outcome. It is for users who may not see the log, or whose connection to
// the log broke.
func (j *job) summarize(status *v1alpha1.ImageRequestStatus) error {
	var lines []string
	if status.Digest != "" {
		lines = append(lines, "Digest: "+status.Digest)
	}
	if status.Message != "" {
		lines = append(lines, "Status: "+status.Message)
	}
	return j.print(lines)
}
