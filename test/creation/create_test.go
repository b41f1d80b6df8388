// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package creation

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/docker/docker/api/types/container"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

func TestTheAnswerToACreateIsWhatDockerHolds(t *testing.T) {
	c := newClient(t)
	w, err := c.Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	made := c.mustCreate(t, wanted(t))
	inspected := eng.Inspect(t, made.Name)
	if inspected == nil || made.Status.ID != inspected.ID || !inspected.State.Running || made.Status.PID != int64(inspected.State.Pid) ||
		made.Spec.State != v1alpha1.ContainerStateRunning || made.Status.Status != v1alpha1.ContainerDockerStatusRunning {
		t.Errorf("%+v", made)
	}
	got, err := c.Get(t.Context(), made.Name, metav1.GetOptions{})
	if err != nil || got.ResourceVersion != made.ResourceVersion || got.UID != made.UID || got.Generation != made.Generation {
		t.Errorf("the answer is %+v, and a get shows %+v: %v", made.ObjectMeta, got.ObjectMeta, err)
	}
	added := 0
	for event := range w.ResultChan() {
		seen := event.Object.(*v1alpha1.Container)
		if seen.Name != made.Name {
			continue
		}
		if event.Type == watch.Added {
			added++
		}
		if seen.ResourceVersion == made.ResourceVersion {
			break
		}
	}
	if added != 1 {
		t.Errorf("a watch saw that the container was added %d times", added)
	}
}

func TestANewContainerGetsTheStateOfItsSpec(t *testing.T) {
	c := newClient(t)
	for state, want := range map[v1alpha1.ContainerState]container.ContainerState{
		"": "running", v1alpha1.ContainerStateRunning: "running", v1alpha1.ContainerStateCreated: "created", v1alpha1.ContainerStatePaused: "paused",
	} {
		made := c.mustCreate(t, wanted(t, func(s *v1alpha1.ContainerSpec) { s.State = state }))
		if inspected := eng.Inspect(t, made.Name); inspected.State.Status != want || state != "" && made.Spec.State != state {
			t.Errorf("%q: the state is %q, and in Docker %q", state, made.Spec.State, inspected.State.Status)
		}
	}
}

func TestAContainerThatCannotStartIsMadeWithAWarning(t *testing.T) {
	c := newClient(t)
	made := c.mustCreate(t, wanted(t, func(s *v1alpha1.ContainerSpec) { s.Args = []string{"no-such-program"} }))
	warned := func(text string) bool {
		return strings.Contains(text, "no-such-program") && strings.Contains(text, "could not start")
	}
	if !slices.ContainsFunc(c.warned(), warned) || !strings.Contains(made.Status.Error, "no-such-program") ||
		made.Spec.State != v1alpha1.ContainerStateCreated || eng.Inspect(t, made.Name) == nil {
		t.Errorf("warnings %q: %+v", c.warned(), made.Status)
	}
}

func TestAContainerThatCannotStartAndIsRemovedAtItsEndIsRefused(t *testing.T) {
	refused := wanted(t, func(s *v1alpha1.ContainerSpec) { s.Args, s.AutoRemove = []string{"no-such-program"}, true })
	_, err := newClient(t).Create(t.Context(), refused, metav1.CreateOptions{})
	if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "no-such-program") || eng.Inspect(t, refused.Name) != nil {
		t.Error(err)
	}
}

func TestAContainerThatIsGoneAtOnceIsMade(t *testing.T) {
	c := newClient(t)
	made := c.mustCreate(t, wanted(t, func(s *v1alpha1.ContainerSpec) { s.Args, s.AutoRemove = []string{"true"}, true }))
	if made.UID == "" || made.ResourceVersion == "" || len(c.warned()) > 0 {
		t.Errorf("warnings %q: %+v", c.warned(), made)
	}
}

func TestDockersOwnWarningsAreWarnings(t *testing.T) {
	c := newClient(t)
	c.mustCreate(t, wanted(t, func(s *v1alpha1.ContainerSpec) {
		s.NetworkMode = "host"
		s.Ports = []v1alpha1.ContainerPublishedPort{{ContainerPort: 80, HostPort: ptr.To[int32](0)}}
	}))
	if warned := c.warned(); len(warned) != 1 || !strings.Contains(warned[0], "discarded") {
		t.Errorf("%q", warned)
	}
}

func TestATakenNameIsAlreadyExists(t *testing.T) {
	c := newClient(t)
	taken := wanted(t)
	c.mustCreate(t, taken.DeepCopy())
	if _, err := c.Create(t.Context(), taken, metav1.CreateOptions{}); !apierrors.IsAlreadyExists(err) {
		t.Error(err)
	}
}

func TestOfManyCreatesOfOneNameOneWins(t *testing.T) {
	c, same := newClient(t), wanted(t)
	var group sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		group.Go(func() { _, errs[i] = c.Create(t.Context(), same.DeepCopy(), metav1.CreateOptions{}) })
	}
	group.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !apierrors.IsAlreadyExists(err):
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d creates succeeded", won)
	}
}

func TestANameIsGenerated(t *testing.T) {
	c := newClient(t)
	generated := wanted(t)
	generated.GenerateName, generated.Name = engine.UniqueName("generated")+"-", ""
	one, other := c.mustCreate(t, generated), c.mustCreate(t, generated)
	eng.RemoveAfter(t, one.Name)
	eng.RemoveAfter(t, other.Name)
	if one.Name == other.Name || !strings.HasPrefix(one.Name, generated.GenerateName) || eng.Inspect(t, one.Name) == nil || eng.Inspect(t, other.Name) == nil {
		t.Errorf("%q and %q", one.Name, other.Name)
	}
}

func TestAContainerIsNotMadeInAnotherNamespace(t *testing.T) {
	elsewhere := wanted(t)
	if _, err := newClient(t).api.Containers("elsewhere").Create(t.Context(), elsewhere, metav1.CreateOptions{}); !apierrors.IsNotFound(err) || eng.Inspect(t, elsewhere.Name) != nil {
		t.Error(err)
	}
}

func TestADryRunOfACreateShowsTheDefaultsAndAsksDockerForNothing(t *testing.T) {
	c := newClient(t)
	taken := c.mustCreate(t, wanted(t))
	absent := wanted(t, func(s *v1alpha1.ContainerSpec) { s.Image = "127.0.0.1:1/not/there:v1" })
	unchanged := proxy.Requests()
	made, err := c.Create(t.Context(), absent, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil || made.Spec.State != v1alpha1.ContainerStateRunning || made.Spec.ImagePullPolicy != v1alpha1.ContainerPullIfNotPresent ||
		made.Spec.RestartPolicy == nil || made.Spec.RestartPolicy.Name != v1alpha1.ContainerRestartNo || made.Spec.Image != absent.Spec.Image {
		t.Errorf("%+v: %v", made.Spec, err)
	}
	for _, refused := range []struct {
		name  string
		image string
		is    func(error) bool
	}{{taken.Name, engine.Busybox, apierrors.IsAlreadyExists}, {absent.Name, "", apierrors.IsInvalid}, {"-", engine.Busybox, apierrors.IsInvalid}} {
		wrong := absent.DeepCopy()
		wrong.Name, wrong.Spec.Image = refused.name, refused.image
		if _, err := c.Create(t.Context(), wrong, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); !refused.is(err) {
			t.Errorf("%+v: %v", refused, err)
		}
	}
	for _, r := range proxy.Requests()[len(unchanged):] {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			t.Errorf("Docker was asked to %s", r)
		}
	}
	if eng.Inspect(t, absent.Name) != nil {
		t.Error("the dry run has made a container")
	}
}

func TestWithoutFullAccessNoContainerIsMade(t *testing.T) {
	for _, access := range []string{"view", "operate"} {
		c := clientFor(t, testserver.Start(t, proxy.Host(), "--engine-access", access).Config(t))
		refused := wanted(t)
		_, err := c.Create(t.Context(), refused, metav1.CreateOptions{})
		if !apierrors.IsMethodNotSupported(err) || eng.Inspect(t, refused.Name) != nil {
			t.Errorf("%s: %v", access, err)
		}
	}
}

func TestWhatDockerRefusesNamesTheField(t *testing.T) {
	c, bare := newClient(t), engine.UniqueName("bare")+":v1"
	eng.Image(t, bare)
	for want, change := range map[string]func(*v1alpha1.ContainerSpec){
		"spec.runtime": func(s *v1alpha1.ContainerSpec) { s.Runtime = "no-such-runtime" },
		"spec.mounts[1]": func(s *v1alpha1.ContainerSpec) {
			s.Mounts = []v1alpha1.ContainerMount{
				{Type: v1alpha1.ContainerMountTmpfs, Target: "/tmp"},
				{Type: v1alpha1.ContainerMountBind, Source: "/no/such/path", Target: "/data"},
			}
		},
		"spec.mounts[0]": func(s *v1alpha1.ContainerSpec) {
			s.Mounts = []v1alpha1.ContainerMount{{Type: v1alpha1.ContainerMountVolume, Source: "some", Target: "/data", Volume: &v1alpha1.ContainerVolumeOptions{Driver: "no-such-driver"}}}
		},
		"spec.logging": func(s *v1alpha1.ContainerSpec) { s.Logging = &v1alpha1.ContainerLogging{Driver: "no-such-driver"} },
		"spec.logging ": func(s *v1alpha1.ContainerSpec) {
			s.Logging = &v1alpha1.ContainerLogging{Driver: "json-file", Options: map[string]string{"no-such": "option"}}
		},
		"spec.resources.cpu": func(s *v1alpha1.ContainerSpec) {
			s.Resources = &v1alpha1.ContainerResources{CPU: ptr.To(resource.MustParse("100000"))}
		},
		"spec.resources.cpuset": func(s *v1alpha1.ContainerSpec) { s.Resources = &v1alpha1.ContainerResources{Cpuset: "4000"} },
		"spec.stopSignal":       func(s *v1alpha1.ContainerSpec) { s.StopSignal = "SIGNONE" },
		"spec.command":          func(s *v1alpha1.ContainerSpec) { s.Image, s.Args = bare, nil },
		"spec.ipcMode":          func(s *v1alpha1.ContainerSpec) { s.IPCMode = "container:no-such-container" },
		"spec.pidMode":          func(s *v1alpha1.ContainerSpec) { s.PIDMode = "container:no-such-container" },
		"spec.securityContext.capabilities": func(s *v1alpha1.ContainerSpec) {
			s.SecurityContext = &v1alpha1.ContainerSecurityContext{Capabilities: &v1alpha1.ContainerCapabilities{Add: []string{"NO_SUCH"}}}
		},
	} {
		refused := wanted(t, change)
		_, err := c.Create(t.Context(), refused, metav1.CreateOptions{})
		status := apierrors.APIStatus(nil)
		if !apierrors.IsInvalid(err) || !errors.As(err, &status) {
			t.Errorf("%s: %v %v", want, err, c.warned())
			continue
		}
		if causes := status.Status().Details.Causes; len(causes) != 1 || causes[0].Field != strings.TrimSpace(want) {
			t.Errorf("%s: %+v", want, causes)
		}
		if eng.Inspect(t, refused.Name) != nil {
			t.Errorf("%s: there is a container", want)
		}
	}
}
