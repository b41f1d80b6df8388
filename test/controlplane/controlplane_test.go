// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

const orphanEnv = "CONTROLPLANE_TEST_ORPHAN"

func TestMain(m *testing.M) {
	if os.Getenv(orphanEnv) != "" {
		orphan()
	}
	os.Exit(m.Run())
}

// orphan is a test process that never stops its control plane.
func orphan() {
	c, err := Prepare()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(c.Dir())
	select {}
}

func TestTheEndOfTheTestProcessLeavesNothing(t *testing.T) {
	test := exec.Command("/proc/self/exe")
	test.Env, test.Stderr = append(os.Environ(), orphanEnv+"=1"), os.Stderr
	stdout, err := test.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := test.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(stdout)
	said.Scan()
	if err := test.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = test.Wait() // it was killed
	dir := said.Text()
	if dir == "" {
		t.Fatal("the process made no control plane")
	}
	var left []string
	err = wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		left = leftovers(t, dir)
		return len(left) == 0, nil
	})
	if err != nil {
		t.Errorf("left: %v", left)
	}
}

// leftovers returns the processes and the directory of a control plane that still exist.
func leftovers(t *testing.T, dir string) (found []string) {
	t.Helper()
	if _, err := os.Stat(dir); err == nil {
		found = append(found, dir)
	}
	processes, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, process := range processes {
		// A process that cannot be read has ended in the meantime.
		if command, err := os.ReadFile(process); err == nil && strings.Contains(string(command), dir) {
			found = append(found, process)
		}
	}
	return found
}

func TestAPortThatAnotherProgramTookIsReplaced(t *testing.T) {
	taken, other := errors.New("listen tcp 127.0.0.1:6443: bind: address already in use"), errors.New("unknown flag")
	for _, test := range []struct {
		what     string
		errs     []error // one for each attempt
		attempts int
		want     error
	}{
		{"free at once", []error{nil}, 1, nil},
		{"taken once", []error{taken, nil}, 2, nil},
		{"always taken", []error{taken, taken, taken, taken, taken, taken}, portAttempts, taken},
		{"another error", []error{other, nil}, 1, other},
	} {
		t.Run(test.what, func(t *testing.T) {
			attempts := 0
			err := withFreePort(func() error {
				attempts++
				return test.errs[attempts-1]
			})
			if attempts != test.attempts || !errors.Is(err, test.want) {
				t.Errorf("%v after %d attempts", err, attempts)
			}
		})
	}
}

func TestAControlPlaneServesDeletesNamespacesAndEnds(t *testing.T) {
	c, err := Prepare(Controllers())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(c.Dir()); !os.IsNotExist(err) {
			t.Errorf("the directory still exists: %v", err)
		}
	}()
	admin, err := Client(c.Admin())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Discovery().ServerVersion(); err == nil {
		t.Fatal("the control plane serves before it was started")
	}
	if err := c.StartAPIServer(); err != nil {
		t.Fatal(err)
	}
	namespaces := admin.CoreV1().Namespaces()
	if _, err := namespaces.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "some"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := c.Kubeconfig("jane", "readers")
	if err != nil {
		t.Fatal(err)
	}
	jane, err := Client(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jane.CoreV1().Namespaces().Get(t.Context(), "some", metav1.GetOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("a user without rights gets %v", err)
	}
	if err := namespaces.Delete(t.Context(), "some", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	err = wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, 2*time.Minute, true, func(ctx context.Context) (bool, error) {
		_, err := namespaces.Get(ctx, "some", metav1.GetOptions{})
		return apierrors.IsNotFound(err), nil
	})
	if err != nil {
		t.Errorf("the namespace is not deleted: %v", err)
	}
}
