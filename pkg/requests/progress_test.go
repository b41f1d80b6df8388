// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package requests

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func TestNoSecondHasMoreThanTwoUpdatesAndTheLastStateIsAlwaysShown(t *testing.T) {
	for _, pause := range []time.Duration{time.Millisecond, 300 * time.Millisecond, 999 * time.Millisecond, 1500 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			w := newWork(t)
			subject := w.mustCreate(t, "a", "key")
			w.took(subject)
			report := w.run(t, "key").report
			for i := range 5000 / max(1, int64(pause/time.Millisecond)/10) {
				report.Layer("1", "Downloading", i, 5000)
				time.Sleep(pause)
			}
			report.Layer("1", "Downloading", 4999, 5000)
			w.end(t, "key", nil)
			w.expect(t, subject, "complete")
			if s := w.show(t, subject); s.CurrentBytes != 4999 {
				t.Errorf("the last state was not shown: %+v", s)
			}
			updates := w.took(subject)
			for i := 2; i < len(updates); i++ {
				if updates[i].Sub(updates[i-2]) < time.Second {
					t.Errorf("reports each %s: three updates within %s", pause, updates[i].Sub(updates[i-2]))
				}
			}
			if len(updates) < 5 {
				t.Errorf("reports each %s: there are only %d updates", pause, len(updates))
			}
		})
	}
}

func TestAChangeIsShownSoonEvenIfNothingFollowsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t)
		subject := w.mustCreate(t, "a", "key")
		report := w.run(t, "key").report
		report.Layer("1", "Downloading", 1, 10)
		report.Layer("1", "Downloading", 2, 10)
		report.Message("Downloading")
		report.Digest("sha256:3")
		time.Sleep(updatePeriod)
		synctest.Wait()
		if s := w.show(t, subject); s.CurrentBytes != 2 || s.Message != "Downloading" || s.Digest != "sha256:3" {
			t.Errorf("%+v", s)
		}
	})
}

func TestProgressNeverRunsBackwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t)
		subject := w.mustCreate(t, "a", "key")
		report := w.run(t, "key").report
		last := &v1alpha1.ImageRequestStatus{}
		for _, step := range []func(){
			func() { report.Layer("1", "Pulling fs layer", 0, 0) },
			func() { report.Layer("1", "Downloading", 5, 10) },
			func() { report.Layer("1", "Downloading", 0, 10) },  // it is downloaded again
			func() { report.Layer("2", "Downloading", 1, 100) }, // a layer that appears late
			func() { report.Layer("1", "Downloading", 12, 10) }, // a size that is wrong
			func() { report.Layer("1", "Downloading", 12, 8) },
			func() { report.Layer("3", "Downloading", 3, 0) }, // a size that is not known
			func() { report.Layer("3", "Downloading", 7, 0) },
			func() { report.Complete("3", "Download complete") },
			func() { report.Complete("1", "Pull complete") },
			func() { report.Layer("2", "Extracting", 0, 0) },
			func() { report.Complete("2", "Pull complete") },
			func() { report.Complete("4", "Pull complete") },
		} {
			step()
			time.Sleep(updatePeriod)
			synctest.Wait()
			now := w.show(t, subject)
			if now.CurrentBytes > now.TotalBytes {
				t.Errorf("there is more than all: %+v", now)
			}
			if now.CurrentBytes < last.CurrentBytes || now.TotalBytes < last.TotalBytes || len(now.Layers) < len(last.Layers) {
				t.Errorf("%+v after %+v", now, last)
			}
			for i := range last.Layers {
				if before, after := last.Layers[i], now.Layers[i]; after.Current < before.Current || after.Total < before.Total || after.ID != before.ID {
					t.Errorf("%+v after %+v", after, before)
				}
			}
			last = now
		}
		if last.CurrentBytes != 12+100+7 || last.TotalBytes != last.CurrentBytes {
			t.Errorf("%+v", last)
		}
	})
}

func TestAnUnknownTotalIsZeroUntilTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t)
		subject := w.mustCreate(t, "a", "key")
		report := w.run(t, "key").report
		report.Layer("1", "Downloading", 7, 0)
		time.Sleep(updatePeriod)
		if s := w.show(t, subject); s.CurrentBytes != 7 || s.TotalBytes != 0 {
			t.Errorf("%+v", s)
		}
		report.Complete("1", "Pull complete")
		w.end(t, "key", nil)
		if s := w.show(t, subject); s.CurrentBytes != 7 || s.TotalBytes != 7 {
			t.Errorf("%+v", s)
		}
	})
}

func TestAStatusShowsABoundedNumberOfLayers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t)
		subject := w.mustCreate(t, "a", "key")
		for i := range 2 * maxLayers {
			w.run(t, "key").report.Layer(fmt.Sprint(i), "Downloading", 1, 2)
		}
		w.end(t, "key", nil)
		if s := w.show(t, subject); len(s.Layers) != maxLayers {
			t.Errorf("there are %d layers", len(s.Layers))
		}
	})
}

// read returns all of a log.
func read(t *testing.T, log *Log) (string, error) {
	t.Helper()
	var text bytes.Buffer
	for {
		lines, err := log.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return text.String(), nil
		}
		if err != nil {
			return text.String(), err
		}
		for _, line := range lines {
			fmt.Fprintf(&text, "%s\n", line)
		}
	}
}

func (w *work) log(t *testing.T, subject string, follow bool) *Log {
	t.Helper()
	log, err := w.source.Log(subject, "a", follow)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func TestALogKeepsTheNewestLineOfEachKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t)
		subject := w.mustCreate(t, "a", "key")
		report := w.run(t, "key").report
		report.Log("", []byte("begin"))
		report.Log("1", []byte("1: 10%"))
		report.Log("2", []byte("2: 10%"))
		report.Log("1", []byte("1: 20%"))
		report.Log("", []byte("begin"))
		if text, err := read(t, w.log(t, subject, false)); text != "begin\n2: 10%\n1: 20%\nbegin\n" || err != nil {
			t.Error(text, err)
		}
	})
}

func TestAFollowedLogHasEveryLineAndEndsWithTheJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t)
		subject := w.mustCreate(t, "a", "key")
		log, done := w.log(t, subject, true), make(chan string)
		go func() {
			text, err := read(t, log)
			done <- fmt.Sprint(text, err)
		}()
		report := w.run(t, "key").report
		for i := range 3 {
			report.Log("1", fmt.Append(nil, i))
			synctest.Wait()
		}
		w.run(t, "key").result <- errWork
		if text := <-done; text != "0\n1\n2\n<nil>" {
			t.Error(text)
		}
		if text, err := read(t, w.log(t, subject, true)); text != "2\n" || err != nil {
			t.Error(text, err)
		}
	})
}

func TestAFollowedLogSaysWhenItsRequestEndsBeforeTheJob(t *testing.T) {
	for name, end := range map[string]func(*work, *testing.T, string){
		"it took longer than spec.activeDeadlineSeconds": func(*work, *testing.T, string) { time.Sleep(time.Minute) },
		"the request was deleted": func(w *work, t *testing.T, subject string) {
			if err := w.source.Delete(t.Context(), subject, &v1alpha1.ImagePullRequest{}); err != nil {
				t.Error(err)
			}
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWork(t)
			minute := int64(60)
			subject := w.mustCreate(t, "a", "key", func(s *v1alpha1.ImagePullRequestSpec) { s.ActiveDeadlineSeconds = &minute })
			w.mustCreate(t, "b", "key") // the job goes on for this one
			log := w.log(t, subject, true)
			w.run(t, "key").report.Log("", []byte("begin"))
			end(w, t, subject)
			if text, err := read(t, log); text != "begin\n" || err == nil || err.Error() != name {
				t.Errorf("%s: %s %v", name, text, err)
			}
		})
	}
}

func TestALogIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t)
		subject := w.mustCreate(t, "a", "key")
		report := w.run(t, "key").report
		report.Log("", bytes.Repeat([]byte("x"), 2*maxRecord))
		for i := range 100_000 {
			report.Log("", fmt.Append(nil, i))
		}
		text, err := read(t, w.log(t, subject, false))
		lines := strings.Split(strings.TrimSpace(text), "\n")
		if err != nil || len(text)+len(lines)*lineCost > maxRecord+len(lines) || lines[len(lines)-1] != "99999" || len(lines) < 500 {
			t.Errorf("%d lines with %d bytes: %v", len(lines), len(text), err)
		}
	})
}
