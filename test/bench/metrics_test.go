// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/docker/docker/api/types/container"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// metricsOfContainers starts some of the containers. It measures how long it takes until a list has the metrics of all of them, and
// how long a list takes soon after that. Docker's time is that of two samples of each, with all calls at once. Then it measures the
// processor time of the server while somebody watches. At the end it stops the containers.
func (s *setting) metricsOfContainers() {
	ctx, client := s.Context(), s.engine.Client()
	eachOf(s, s.some, func(i int) error { return client.ContainerStart(ctx, filled(i), container.StartOptions{}) })
	pause(s.sizes, settling)
	for _, figure := range []string{"first list of the metrics of", "list of the metrics of"} {
		begun := time.Now()
		for s.listMetrics() != nil {
			if time.Since(begun) > patience {
				s.Fatal(s.listMetrics())
			}
		}
		s.took(fmt.Sprintf("%s %d containers", figure, s.some), standalone, time.Since(begun))
	}
	begun := time.Now()
	for range 2 {
		s.sampleAtOnce()
	}
	s.took(fmt.Sprintf("first list of the metrics of %d containers", s.some), docker, time.Since(begun))
	watching, cancel := context.WithCancel(ctx)
	s.server.follow(watching, s, "containermetrics", "", func([]byte, time.Time) {})
	before := s.server.cpu(s)
	begun = time.Now()
	time.Sleep(s.sampling)
	used := s.server.cpu(s) - before
	s.add(fmt.Sprintf("CPU while the metrics of %d containers are watched", s.some), percent, standalone, 100*used.Seconds()/time.Since(begun).Seconds())
	cancel()
	eachOf(s, s.some, func(i int) error { return client.ContainerKill(ctx, filled(i), "KILL") })
}

// sampleAtOnce asks Docker for a sample of each of the containers that run.
func (s *setting) sampleAtOnce() {
	client := s.engine.Client()
	eachOfAtOnce(s, s.some, s.some, func(i int) error {
		stats, err := client.ContainerStatsOneShot(s.Context(), filled(i))
		if err != nil {
			return err
		}
		defer stats.Body.Close()
		_, err = io.Copy(io.Discard, stats.Body)
		return err
	})
}

// listMetrics lists the metrics of all containers that run.
func (s *setting) listMetrics() error {
	list, err := s.server.typed(s).ContainerMetricses(namespace).List(s.Context(), metav1.ListOptions{})
	if err != nil {
		return err
	}
	if len(list.Items) != s.some {
		return fmt.Errorf("there are metrics of %d containers, and %d run", len(list.Items), s.some)
	}
	for i := range list.Items {
		if list.Items[i].Usage.CPU == nil {
			return fmt.Errorf("%s is shown without its processor time", list.Items[i].Name)
		}
	}
	return nil
}
