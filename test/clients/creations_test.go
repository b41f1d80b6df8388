// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package clients_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	applyv1alpha1 "github.com/rancher-sandbox/engine-apiserver/pkg/generated/applyconfiguration/containers/v1alpha1"
	typed "github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned/typed/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// creatable is a kind whose objects are made by create.
type creatable struct {
	// create creates an object, and returns its metadata as the server answered it.
	create func(context.Context, metav1.ObjectMeta, metav1.CreateOptions) (*metav1.ObjectMeta, error)
	watch  func(context.Context, metav1.ListOptions) (watch.Interface, error)
	delete func(context.Context, string, metav1.DeleteOptions) error
	// made returns the labels that Docker has, and whether the object is there.
	made func(name string) (labels map[string]string, isThere bool)
	// makeInDocker makes an object past the server.
	makeInDocker func(name string)
}

func newTyped(t *testing.T, args ...string) typed.ContainersV1alpha1Interface {
	t.Helper()
	return newClient(t, testserver.Start(t, eng.Host(), args...).Config(t))
}

func creatables(t *testing.T) map[string]creatable {
	client := newTyped(t)
	volumes, networks := client.Volumes(testserver.Namespace), client.Networks(testserver.Namespace)
	return map[string]creatable{
		"volumes": {
			create: func(ctx context.Context, meta metav1.ObjectMeta, options metav1.CreateOptions) (*metav1.ObjectMeta, error) {
				made, err := volumes.Create(ctx, &v1alpha1.Volume{ObjectMeta: meta}, options)
				return &made.ObjectMeta, err
			},
			watch: volumes.Watch, delete: volumes.Delete,
			made: func(name string) (map[string]string, bool) {
				found, err := eng.Client().VolumeInspect(t.Context(), name)
				return found.Labels, err == nil
			},
			makeInDocker: func(name string) { eng.Volume(t, name, nil) },
		},
		"networks": {
			create: func(ctx context.Context, meta metav1.ObjectMeta, options metav1.CreateOptions) (*metav1.ObjectMeta, error) {
				made, err := networks.Create(ctx, &v1alpha1.Network{ObjectMeta: meta}, options)
				return &made.ObjectMeta, err
			},
			watch: networks.Watch, delete: networks.Delete,
			made: func(name string) (map[string]string, bool) {
				found, err := eng.Client().NetworkInspect(t.Context(), name, network.InspectOptions{})
				return found.Labels, err == nil
			},
			makeInDocker: func(name string) { eng.Network(t, name, nil) },
		},
	}
}

func eachCreatable(t *testing.T, run func(*testing.T, creatable)) {
	for kind, c := range creatables(t) {
		t.Run(kind, func(t *testing.T) { run(t, c) })
	}
}

func TestWhatIsCreatedIsAnsweredAsItIsInDocker(t *testing.T) {
	eachCreatable(t, func(t *testing.T, c creatable) {
		meta := metav1.ObjectMeta{Name: engine.UniqueName("Made_"), Labels: map[string]string{"app": "shop"}}
		answer, err := c.create(t.Context(), meta, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if answer.Name != meta.Name || answer.UID == "" || answer.ResourceVersion == "" || answer.CreationTimestamp.IsZero() || answer.Labels["app"] != "shop" || answer.Generation == 0 {
			t.Errorf("the answer is %+v", answer)
		}
		if labels, isThere := c.made(meta.Name); !isThere || len(labels) != 1 || labels["app"] != "shop" {
			t.Errorf("Docker has it: %t, with the labels %v", isThere, labels)
		}
		if err := c.delete(t.Context(), meta.Name, *metav1.NewPreconditionDeleteOptions(string(answer.UID))); err != nil {
			t.Errorf("what was answered cannot be deleted: %v", err)
		}
	})
}

func TestANameThatIsTakenIsRefused(t *testing.T) {
	eachCreatable(t, func(t *testing.T, c creatable) {
		name := engine.UniqueName("taken")
		c.makeInDocker(name)
		for _, options := range []metav1.CreateOptions{{}, {DryRun: []string{metav1.DryRunAll}}} {
			if _, err := c.create(t.Context(), metav1.ObjectMeta{Name: name}, options); !apierrors.IsAlreadyExists(err) {
				t.Errorf("%v: %v", options, err)
			}
		}
	})
}

func TestOfManyWhoCreateTheSameNameOneDoes(t *testing.T) {
	eachCreatable(t, func(t *testing.T, c creatable) {
		name := engine.UniqueName("raced")
		var winners atomic.Int32
		var group sync.WaitGroup
		for n := range 8 {
			group.Go(func() {
				_, err := c.create(t.Context(), metav1.ObjectMeta{Name: name, Labels: map[string]string{"n": fmt.Sprint(n)}}, metav1.CreateOptions{})
				if err == nil {
					winners.Add(1)
				} else if !apierrors.IsAlreadyExists(err) {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if n := winners.Load(); n != 1 {
			t.Errorf("%d have created it", n)
		}
		if err := c.delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
}

func TestAWatchSeesACreationOnce(t *testing.T) {
	eachCreatable(t, func(t *testing.T, c creatable) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		watching, err := c.watch(ctx, metav1.ListOptions{LabelSelector: "watched"})
		if err != nil {
			t.Fatal(err)
		}
		defer watching.Stop()
		var want, got []string
		for range 5 {
			// kubectl apply sends such an annotation. The server keeps it, because Docker does not.
			meta := metav1.ObjectMeta{Name: engine.UniqueName("watched"), Labels: map[string]string{"watched": ""},
				Annotations: map[string]string{"kubectl.kubernetes.io/last-applied-configuration": "{}"}}
			answer, err := c.create(t.Context(), meta, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if err := c.delete(t.Context(), meta.Name, metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			want = append(want, "ADDED "+meta.Name+" {} "+answer.ResourceVersion, "DELETED "+meta.Name+" {}")
		}
		for range want {
			event := <-watching.ResultChan()
			object := event.Object.(metav1.Object)
			seen := fmt.Sprintf("%s %s %s", event.Type, object.GetName(), object.GetAnnotations()["kubectl.kubernetes.io/last-applied-configuration"])
			if event.Type == watch.Added {
				seen += " " + object.GetResourceVersion()
			}
			got = append(got, seen)
		}
		if got, want := strings.Join(got, "\n"), strings.Join(want, "\n"); got != want {
			t.Errorf("the watch saw\n%s\nwant\n%s", got, want)
		}
	})
}

func TestANameCanBeGenerated(t *testing.T) {
	eachCreatable(t, func(t *testing.T, c creatable) {
		answer, err := c.create(t.Context(), metav1.ObjectMeta{GenerateName: "Gen_-"}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, isThere := c.made(answer.Name); !isThere || len(answer.Name) != len("Gen_-")+5 {
			t.Errorf("%s is there: %t", answer.Name, isThere)
		}
		if err := c.delete(t.Context(), answer.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
}

func TestADryRunOfACreationMakesNothing(t *testing.T) {
	eachCreatable(t, func(t *testing.T, c creatable) {
		name := engine.UniqueName("dry")
		if _, err := c.create(t.Context(), metav1.ObjectMeta{Name: name}, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
			t.Fatal(err)
		}
		if _, isThere := c.made(name); isThere {
			t.Error("it is there")
		}
	})
}

func TestAnObjectThatDockerCannotHaveIsRefused(t *testing.T) {
	eachCreatable(t, func(t *testing.T, c creatable) {
		name := engine.UniqueName("refused")
		for what, test := range map[string]struct {
			meta  metav1.ObjectMeta
			words string
		}{
			"no name":                  {metav1.ObjectMeta{}, "name or generateName is required"},
			"a slash":                  {metav1.ObjectMeta{Name: "a/b"}, "metadata.name"},
			"a path":                   {metav1.ObjectMeta{Name: ".."}, "metadata.name"},
			"a line break":             {metav1.ObjectMeta{Name: "a\nb"}, "metadata.name"},
			"a long name":              {metav1.ObjectMeta{Name: strings.Repeat("x", 256)}, "metadata.name"},
			"the name of another name": {metav1.ObjectMeta{Name: "a~b-0123456789"}, "metadata.name"},
			"no label":                 {metav1.ObjectMeta{Name: name, Labels: map[string]string{"a b": "c"}}, "metadata.labels"},
			"annotations":              {metav1.ObjectMeta{Name: name, Annotations: map[string]string{"a": "b"}}, "metadata.annotations: Forbidden: cannot be set: Docker cannot store annotations of a"},
			"finalizers":               {metav1.ObjectMeta{Name: name, Finalizers: []string{"a.b/c"}}, "metadata.finalizers"},
			"owners":                   {metav1.ObjectMeta{Name: name, OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "A", Name: "a", UID: "b"}}}, "metadata.ownerReferences"},
		} {
			if _, err := c.create(t.Context(), test.meta, metav1.CreateOptions{}); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), test.words) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if _, isThere := c.made(name); isThere {
			t.Error("one is there")
		}
	})
}

func TestAnAppliedVolumeIsCreatedOnce(t *testing.T) {
	volumes := newTyped(t).Volumes(testserver.Namespace)
	name := engine.UniqueName("applied")
	configuration := applyv1alpha1.Volume(name, testserver.Namespace).WithSpec(applyv1alpha1.VolumeSpec().WithOptions(map[string]string{"type": "tmpfs", "device": "tmpfs"}))
	first, err := volumes.Apply(t.Context(), configuration, metav1.ApplyOptions{FieldManager: "test"})
	if err != nil {
		t.Fatal(err)
	}
	again, err := volumes.Apply(t.Context(), configuration, metav1.ApplyOptions{FieldManager: "test"})
	if err != nil || again.ResourceVersion != first.ResourceVersion {
		t.Errorf("version %s, want %s; %v", again.ResourceVersion, first.ResourceVersion, err)
	}
	if found, err := eng.Client().VolumeInspect(t.Context(), name); err != nil || found.Options["type"] != "tmpfs" {
		t.Errorf("%+v, %v", found, err)
	}
	if err := volumes.Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
}

func TestLabelsOfASpecThatKubernetesKnowsMoveToTheMetadata(t *testing.T) {
	volumes := newTyped(t).Volumes(testserver.Namespace)
	wanted := &v1alpha1.Volume{ObjectMeta: metav1.ObjectMeta{Name: engine.UniqueName("moved")}, Spec: v1alpha1.VolumeSpec{Labels: map[string]string{"app": "shop", "not a label": "x"}}}
	made, err := volumes.Create(t.Context(), wanted, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(made.Labels) != 1 || made.Labels["app"] != "shop" || len(made.Spec.Labels) != 1 || len(made.Status.Labels) != 2 {
		t.Errorf("%+v", made)
	}
	again, err := volumes.Update(t.Context(), wanted, metav1.UpdateOptions{})
	if err != nil || again.ResourceVersion != made.ResourceVersion {
		t.Errorf("an update with the same labels: %v, %v", again.ResourceVersion, err)
	}
	if err := volumes.Delete(t.Context(), made.Name, metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
}

func TestAVolumeOfAPluginIsCreatedAndDeleted(t *testing.T) {
	eng.VolumePlugin(t, "creations")
	volumes := newTyped(t).Volumes(testserver.Namespace)
	name := engine.UniqueName("of a plugin") // the driver local would not take this name
	made, err := volumes.Create(t.Context(), &v1alpha1.Volume{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.VolumeSpec{Driver: "creations"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := eng.Client().VolumeInspect(t.Context(), name); err != nil || found.Driver != "creations" || made.Spec.Driver != "creations" {
		t.Errorf("%+v, %v", found, err)
	}
	if _, err := eng.Client().VolumeCreate(t.Context(), volume.CreateOptions{Name: name, Driver: "creations"}); err != nil {
		t.Error(err)
	}
	if _, err := volumes.Create(t.Context(), &v1alpha1.Volume{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.VolumeSpec{Driver: "creations"}}, metav1.CreateOptions{}); !apierrors.IsAlreadyExists(err) {
		t.Errorf("%v, want AlreadyExists", err)
	}
	if err := volumes.Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
}

// TestRangesThatDockerAddedOrSortedAreNoChange creates networks whose ranges Docker shows in another order, or with one more.
func TestRangesThatDockerAddedOrSortedAreNoChange(t *testing.T) {
	networks := newTyped(t).Networks(testserver.Namespace)
	four, six := v1alpha1.NetworkIPAMConfig{Subnet: "10.225.0.0/16"}, v1alpha1.NetworkIPAMConfig{Subnet: "fd00:25::/64"}
	for what, configs := range map[string][]v1alpha1.NetworkIPAMConfig{
		"none": nil, "IPv6 alone": {six}, "IPv6 first": {six, four}, "IPv4 first": {four, six},
	} {
		wanted := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Name: engine.UniqueName("ranges")}, Spec: v1alpha1.NetworkSpec{EnableIPv6: ptr.To(len(configs) > 0), IPAM: v1alpha1.NetworkIPAM{Config: configs}}}
		made, err := networks.Create(t.Context(), wanted, metav1.CreateOptions{})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		again, err := networks.Update(t.Context(), wanted, metav1.UpdateOptions{})
		if err != nil || again.ResourceVersion != made.ResourceVersion {
			t.Errorf("%s: an update of the same ranges: %v, version %s of %s", what, err, again.ResourceVersion, made.ResourceVersion)
		}
		ipam := applyv1alpha1.NetworkIPAM()
		for _, config := range configs {
			ipam.WithConfig(applyv1alpha1.NetworkIPAMConfig().WithSubnet(config.Subnet))
		}
		applied, err := networks.Apply(t.Context(), applyv1alpha1.Network(made.Name, testserver.Namespace).WithSpec(applyv1alpha1.NetworkSpec().WithIPAM(ipam)), metav1.ApplyOptions{FieldManager: "test"})
		if err != nil || applied.ResourceVersion != made.ResourceVersion {
			t.Errorf("%s: an apply of the same ranges: %v, version %s of %s", what, err, applied.ResourceVersion, made.ResourceVersion)
		}
		wanted.Spec.IPAM.Config = append(configs, v1alpha1.NetworkIPAMConfig{Subnet: "10.226.0.0/16"})
		if _, err := networks.Update(t.Context(), wanted, metav1.UpdateOptions{}); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "spec.ipam.config") {
			t.Errorf("%s: an update with one more range: %v", what, err)
		}
		if err := networks.Delete(t.Context(), made.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	}
}
