// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package requests

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func TestARequestIsCompleteWhenItsJobHasDoneItsWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t)
		subject := w.mustCreate(t, "a", "key")
		w.expect(t, subject, "running")
		w.end(t, "key", nil)
		w.expect(t, subject, "complete")
		if s := w.show(t, subject); s.Image != "busybox:latest" || s.ImageID != "sha256:1" || s.Digest != "sha256:2" || s.Message != "done" || s.StartTime == nil {
			t.Errorf("%+v", s)
		}
	})
}

func TestARequestFailsForTheReasonOfItsJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t)
		for reason, err := range map[string]error{"Failed": errWork, "NotFound": failure{"NotFound", errWork}, "NoSpace": fmt.Errorf("it %w", failure{"NoSpace", errWork})} {
			subject := w.mustCreate(t, reason, reason)
			w.end(t, reason, err)
			w.expect(t, subject, "failed: "+reason)
			if s := w.show(t, subject); s.Message != err.Error() || s.Conditions[0].Message != s.Message || s.Image != "" {
				t.Errorf("%+v", s)
			}
		}
	})
}

func TestALongErrorIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t)
		subject := w.mustCreate(t, "a", "key")
		w.end(t, "key", errors.New(strings.Repeat("ä", maxMessage)))
		if s := w.show(t, subject); len(s.Message) != maxMessage || s.Conditions[0].Message != s.Message {
			t.Errorf("the message has %d bytes", len(s.Message))
		}
	})
}

func TestAJobGoesOnWhenTheRequestThatCreatedItIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t)
		w.mustCreate(t, "a", "key")
		if err := w.run(t, "key").ctx.Err(); err != nil {
			t.Error(err)
		}
	})
}

func TestADeletionCancelsTheJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t)
		subject := w.mustCreate(t, "a", "key")
		if err := w.source.Delete(t.Context(), subject, &v1alpha1.ImagePullRequest{}); err != nil {
			t.Fatal(err)
		}
		w.expect(t, subject, "gone")
		if w.run(t, "key").ctx.Err() == nil {
			t.Error("the job goes on")
		}
		if err := w.source.Delete(t.Context(), subject, &v1alpha1.ImagePullRequest{}); !apierrors.IsNotFound(err) {
			t.Error(err)
		}
		w.mustCreate(t, "a", "other") // its name is free again
	})
}

func TestRequestsWithTheSameKeyShareOneRunUntilTheLastOneIsDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t)
		first, second, third := w.mustCreate(t, "a", "key"), w.mustCreate(t, "b", "key"), w.mustCreate(t, "c", "other")
		shared := w.run(t, "key")
		for i, subject := range []string{first, second} {
			if shared.ctx.Err() != nil {
				t.Errorf("the run ended with the deletion of request %d", i)
			}
			if err := w.source.Delete(t.Context(), subject, &v1alpha1.ImagePullRequest{}); err != nil {
				t.Fatal(err)
			}
		}
		if shared.ctx.Err() == nil {
			t.Error("the run goes on without a request")
		}
		w.expect(t, third, "running")
	})
}

func TestARequestThatJoinsARunShowsHowFarItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t)
		first := w.mustCreate(t, "a", "key")
		w.run(t, "key").report.Layer("1", "Downloading", 5, 10)
		second := w.mustCreate(t, "b", "key")
		if s := w.show(t, second); s.CurrentBytes != 5 || len(s.Layers) != 1 {
			t.Errorf("%+v", s)
		}
		w.end(t, "key", nil)
		w.expect(t, first, "complete")
		w.expect(t, second, "complete")
	})
}

func TestARequestDoesNotJoinARunThatIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t)
		if err := w.source.Delete(t.Context(), w.mustCreate(t, "a", "key"), &v1alpha1.ImagePullRequest{}); err != nil {
			t.Fatal(err)
		}
		subject, err := w.create("b", "key") // the first run may not have ended yet
		if err != nil {
			t.Fatal(err)
		}
		w.expect(t, subject, "running")
	})
}

func TestARequestWithNothingToDoIsCompleteAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t, func(c *Config) { c.Slots = NewSlots(1) })
		w.mustCreate(t, "a", "key")
		w.done = &Result{Image: "busybox:latest"}
		subject, err := w.create("b", "other") // it is not one of those that run
		if err != nil {
			t.Fatal(err)
		}
		if got := outcome(w.show(t, subject)); got != "complete" {
			t.Error(got)
		}
	})
}

func TestARequestFailsWhenItsDeadlineIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t)
		short := w.mustCreate(t, "a", "key", func(s *v1alpha1.ImagePullRequestSpec) { s.ActiveDeadlineSeconds = ptr.To[int64](30) })
		long := w.mustCreate(t, "b", "key")
		time.Sleep(29 * time.Second)
		w.expect(t, short, "running")
		time.Sleep(time.Second)
		w.expect(t, short, "failed: DeadlineExceeded")
		w.expect(t, long, "running")
		alone := w.mustCreate(t, "c", "alone", func(s *v1alpha1.ImagePullRequestSpec) { s.ActiveDeadlineSeconds = ptr.To[int64](1) })
		time.Sleep(time.Second)
		w.expect(t, alone, "failed: DeadlineExceeded")
		if w.run(t, "alone").ctx.Err() == nil {
			t.Error("the job goes on")
		}
	})
}

func TestARequestIsGoneWhenItsTimeToLiveIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t)
		subject := w.mustCreate(t, "a", "key")
		time.Sleep(time.Hour)
		w.end(t, "key", nil)
		time.Sleep(timeToLive - time.Second)
		w.expect(t, subject, "complete")
		w.took(subject)
		time.Sleep(time.Second)
		w.expect(t, subject, "gone")
		if updates := w.took(subject); len(updates) != 1 {
			t.Errorf("the sink heard of the end %d times", len(updates))
		}
	})
}

func TestTooManyRunningRequestsAreRefusedForNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t)
		var first string
		for i := range 16 {
			name := fmt.Sprint(i)
			subject := w.mustCreate(t, name, name)
			if i == 0 {
				first = subject
			}
		}
		_, err := w.create("more", "more")
		if seconds, retry := apierrors.SuggestsClientDelay(err); !apierrors.IsTooManyRequests(err) || !retry || seconds == 0 {
			t.Errorf("the 17th: %v", err)
		}
		w.mustCreate(t, "shared", "3") // it needs no run of its own
		if err := w.source.Delete(t.Context(), first, &v1alpha1.ImagePullRequest{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		w.mustCreate(t, "more", "more")
	})
}

func TestSourcesThatShareSlotsRunNoMoreJobsThanOneSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slots := NewSlots(2)
		share := func(c *Config) { c.Slots = slots }
		pulls, pushes := newWork(t, share), newWork(t, share)
		pulls.mustCreate(t, "a", "a")
		pushes.mustCreate(t, "a", "a")
		for _, w := range []*work{pulls, pushes} {
			if _, err := w.create("more", "more"); !apierrors.IsTooManyRequests(err) || !strings.Contains(err.Error(), "2 requests run already") {
				t.Errorf("the third: %v", err)
			}
		}
		pushes.end(t, "a", nil)
		pulls.mustCreate(t, "more", "more")
		if _, err := pushes.create("more", "more"); !apierrors.IsTooManyRequests(err) {
			t.Errorf("the third: %v", err)
		}
		pulls.end(t, "a", errWork) // it gives its slot back, too
		pushes.mustCreate(t, "more", "more")
	})
}

func TestARequestForWhichThereIsNoRoomTakesNoSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t, func(c *Config) { c.Slots, c.MaxKept = NewSlots(2), 1 })
		w.mustCreate(t, "a", "a")
		for range 2 {
			if _, err := w.create("b", "b"); !apierrors.IsTooManyRequests(err) || !strings.Contains(err.Error(), "none of them has finished") {
				t.Errorf("the second: %v", err)
			}
		}
		w.end(t, "a", nil)
		w.mustCreate(t, "b", "b")
	})
}

func TestTheOldestFinishedRequestMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t, func(c *Config) { c.MaxKept = 3 })
		running := w.mustCreate(t, "running", "running")
		first, second := w.mustCreate(t, "first", "first"), w.mustCreate(t, "second", "second")
		w.end(t, "second", nil)
		w.end(t, "first", nil)
		third := w.mustCreate(t, "third", "third")
		w.expect(t, second, "gone") // it was the first to finish
		fourth := w.mustCreate(t, "fourth", "fourth")
		w.expect(t, first, "gone")
		for _, subject := range []string{running, third, fourth} {
			w.expect(t, subject, "running")
		}
		_, err := w.create("fifth", "running")
		if _, retry := apierrors.SuggestsClientDelay(err); !apierrors.IsTooManyRequests(err) || !retry {
			t.Errorf("no request has finished: %v", err)
		}
	})
}

func TestANameThatIsTakenIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t)
		w.mustCreate(t, "a", "key")
		if _, err := w.create("a", "other"); !apierrors.IsAlreadyExists(err) {
			t.Error(err)
		}
		if len(w.runs["other"]) > 0 {
			t.Error("the job runs")
		}
	})
}

func TestAnErrorOfThePlanMakesNoRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t)
		w.planned = apierrors.NewServiceUnavailable("there is no engine")
		if _, err := w.create("a", "key"); !apierrors.IsServiceUnavailable(err) {
			t.Error(err)
		}
		if subjects, err := w.source.Subjects(t.Context()); len(subjects) > 0 || err != nil {
			t.Error(subjects, err)
		}
	})
}

func TestRequestsAreFoundByTheirKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t)
		a, b := w.mustCreate(t, "a", "a"), w.mustCreate(t, "b", "b")
		for key, want := range map[string]string{namespace + "/a": a, namespace + "/b": b, namespace + "/c": "", "other/a": ""} {
			if got, err := w.source.Lookup(t.Context(), key); got != want || err != nil {
				t.Errorf("%s: %q %v", key, got, err)
			}
		}
		subjects, err := w.source.Subjects(t.Context())
		slices.Sort(subjects)
		if !slices.Equal(subjects, []string{a, b}) || err != nil {
			t.Error(subjects, err)
		}
	})
}

func TestTheEndOfTheServerCancelsAllJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t)
		subject := w.mustCreate(t, "a", "key")
		w.source.Stop()
		w.expect(t, subject, "failed: Cancelled")
		if _, err := w.create("b", "key"); !apierrors.IsServiceUnavailable(err) || !strings.Contains(err.Error(), "shutting down") {
			t.Error(err)
		}
	})
}
