// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package connection

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
)

// said holds messages of engines from 20.10 to 28, by the status with which the API must answer them.
var said = map[int32][]string{
	http.StatusConflict: {
		// start
		`driver failed programming external connectivity on endpoint second (0e5f): Bind for 0.0.0.0:8080 failed: port is already allocated`,
		`failed to set up container networking: driver failed programming external connectivity on endpoint x (1): failed to bind host port for 0.0.0.0:80:172.17.0.2:80/tcp: address already in use`,
		`driver failed programming external connectivity on endpoint x (1): Error starting userland proxy: listen tcp4 0.0.0.0:22: bind: address already in use`,
		`Ports are not available: exposing port TCP 0.0.0.0:80 -> 0.0.0.0:0: listen tcp 0.0.0.0:80: bind: An attempt was made to access a socket in a way forbidden by its access permissions.`,
		`HNS failed with error : The process cannot access the file because it is being used by another process.`,
		`Address already in use`,
		`endpoint with name web already exists in network shop`,
		`no available IPv4 addresses on this network's address pools: shop (0e5f)`,
		`no available addresses on this pool`,
		`Cannot link to a non running container: /db AS /app/db`,
		`cannot join network of a non running container: 0e5f`,
		`failed to create task for container: failed to join IPC namespace: container 0e5f is not running`,
		`Container 0e5f is restarting, wait until the container is running`,
		`cannot start a paused container, try unpause instead; it is already paused`,
		`container is marked for removal and cannot be started`,
		// stop, pause and unpause
		`Container 0e5f is already paused`,
		`Container 0e5f is not paused`,
		`Cannot pause container 0e5f: OCI runtime pause failed: container not running: unknown`,
		`Cannot unpause container 0e5f: OCI runtime resume failed: container not paused: unknown`,
		// removals
		`removal of container web is already in progress`,
		`driver "overlay2" failed to remove root filesystem: unlinkat /var/lib/docker/overlay2/0e5f/merged: device or resource busy`,
		`remove data: volume is in use - [0e5f]`,
		`remove data: volume has active mounts`,
		`remove data: VolumeDriver.Remove: volume data is currently used by a container`,
		`conflict: unable to delete 0e5f (cannot be forced) - image is being used by running container 0e5f`,
		`network shop has active endpoints (name:"web" id:"0e5f")`,
		// create
		`Conflict. The container name "/web" is already in use by container "0e5f". You have to remove (or rename) that container to be able to reuse that name.`,
		`Pool overlaps with other one on this address space`,
		`could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network`,
		`all predefined address pools have been fully subnetted`,
		`cannot create network 1 (br-1): conflicts with network 2 (br-2): networks have overlapping IPv4`,
	},
	http.StatusUnprocessableEntity: {
		// start
		`could not select device driver "" with capabilities: [[gpu]]`,
		`CDI device injection failed: unresolvable CDI devices vendor.com/device=x`,
		`OCI runtime create failed: error running hook #0: nvidia-container-cli: initialization error: nvml error: driver not loaded`,
		`error gathering device information while adding custom device "/dev/kvm": no such file or directory`,
		`network 4f3c not found`,
		`failed to set up container networking: network shop not found`,
		`error while mounting volume '/var/lib/docker/volumes/nfs/_data': failed to mount local volume: mount :/export:/var/lib/docker/volumes/nfs/_data, data: addr=10.0.0.1: no such device`,
		`error while mounting volume '': VolumeDriver.Mount: exit status 1`,
		`error looking up volume plugin nope: legacy plugin: plugin not found`,
		`plugin "vieux/sshfs:latest" not found`,
		`plugin vieux/sshfs:latest found but disabled`,
		`error while creating mount source path '/nope/x': mkdir /nope: read-only file system`,
		`path /mnt is mounted on / but it is not a shared mount`,
		`path /mnt is mounted on / but it is not a shared or slave mount`,
		`mkdir /var/lib/docker/overlay2/0e5f/merged: no space left on device`,
		`driver failed programming external connectivity on endpoint x (1): listen tcp4 10.9.9.9:80: bind: cannot assign requested address`,
		`Error starting userland proxy: error while calling PortManager.AddPort(): cannot expose privileged port 80, you can add 'net.ipv4.ip_unprivileged_port_start=80' to /etc/sysctl.conf`,
		`OCI runtime create failed: cgroups: cgroup mountpoint does not exist: unknown`,
		`failed to create task for container: failed to initialize logging driver: dial tcp 127.0.0.1:514: connect: connection refused`,
		`Cannot link to /db, as it does not belong to the default network`,
		`container 0e5f: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
		// create
		`invalid mount config for type "bind": bind source path does not exist: /nope`,
		`Unknown runtime specified kata`,
		`This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.`,
		`failed to parse com.docker.network.bridge.enable_icc value: perhaps (strconv.ParseBool: parsing "perhaps": invalid syntax)`,
		`unknown or invalid runtime name: kata`,
		`NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted`,
		`range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available`,
		`Requested CPUs are not available - requested 0-9, available: 0-1`,
		`seccomp is not enabled in your kernel, cannot run a custom seccomp profile`,
		`logger: no log driver named 'fluent' is registered`,
	},
	http.StatusForbidden: {
		`default network podman cannot be removed`,
	},
	http.StatusInternalServerError: {
		`driver failed programming external connectivity on endpoint x (1): (iptables failed: iptables: No chain/target/match by that name.)`,
		`tried to kill container, but did not receive an exit event`,
		`driver "overlay2" failed to remove root filesystem: unlinkat /var/lib/docker/overlay2/0e5f/diff/pinned: operation not permitted`,
	},
}

func TestWhatEnginesRefuseIsNoInternalError(t *testing.T) {
	for code, texts := range said {
		for _, text := range texts {
			for _, class := range []error{errdefs.ErrInternal, errdefs.ErrUnknown} {
				err := APIError("start", v1alpha1.Resource("containers"), "web", fmt.Errorf("Error response from daemon: %s%w", text, hidden{class}))
				status := apierrors.APIStatus(nil)
				if !errors.As(err, &status) || status.Status().Code != code || !strings.Contains(status.Status().Message, text) {
					t.Errorf("%s: %v", text, err)
				}
			}
		}
	}
}

func TestARefusalIsTheSameWhateverStatusTheEngineGivesIt(t *testing.T) {
	for _, class := range []error{errdefs.ErrPermissionDenied, errdefs.ErrInvalidArgument, errdefs.ErrNotFound, errdefs.ErrUnavailable, errdefs.ErrConflict} {
		for _, want := range []int32{http.StatusConflict, http.StatusUnprocessableEntity} {
			err := APIError("start", v1alpha1.Resource("containers"), "web", fmt.Errorf("%s%w", said[want][0], hidden{class}))
			if dockertest.Code(err) != want {
				t.Errorf("%v: %v", class, err)
			}
		}
	}
}

func TestWhatTheEngineDoesNotHaveNamesTheField(t *testing.T) {
	err := APIError("update", v1alpha1.Resource("containers"), "gpu", errors.New(said[http.StatusUnprocessableEntity][0]))
	status := apierrors.APIStatus(nil)
	if !errors.As(err, &status) || status.Status().Reason != metav1.StatusReasonInvalid {
		t.Fatal(err)
	}
	details := status.Status().Details
	if details.Name != "gpu" || details.Kind != "containers" || len(details.Causes) != 1 || details.Causes[0].Field != "spec.state" || !strings.Contains(details.Causes[0].Message, "device driver") {
		t.Errorf("%+v", details)
	}
}

func TestWhatADeletionMissesIsAConflict(t *testing.T) {
	err := APIError("delete", v1alpha1.Resource("volumes"), "data", fmt.Errorf("%s%w", `error looking up volume plugin nope: plugin "nope" not found`, hidden{errdefs.ErrNotFound}))
	if !apierrors.IsConflict(err) {
		t.Error(err)
	}
}

func TestADeletionThatRunsOutOfSpaceIsNoRefusal(t *testing.T) {
	err := APIError("delete", v1alpha1.Resource("images"), "busybox:latest", errors.New("write /data/image/.tmp-repositories.json1: no space left on device"))
	if !apierrors.IsInternalError(err) || !dockertest.Contains(err, "no space left on device") {
		t.Error(err)
	}
}

func TestAReadIsNotRefused(t *testing.T) {
	err := APIError("inspect", v1alpha1.Resource("volumes"), "data", fmt.Errorf("%s%w", `plugin "nope" not found`, hidden{errdefs.ErrNotFound}))
	if !apierrors.IsNotFound(err) {
		t.Error(err)
	}
}

func TestTheFieldOfARefusedCreationIsTheOneThatAskedForIt(t *testing.T) {
	for words, want := range map[string]string{
		`error looking up volume plugin nope: plugin "nope" not found`: "spec.driver",
		`This node is not a swarm manager.`:                            "spec.driver",
		`failed to parse com.docker.network.bridge.x value: y`:         "spec",
	} {
		err := APIError("create", v1alpha1.Resource("networks"), "back", errors.New(words))
		status := apierrors.APIStatus(nil)
		if !errors.As(err, &status) || len(status.Status().Details.Causes) != 1 || status.Status().Details.Causes[0].Field != want {
			t.Errorf("%s: %v", words, err)
		}
	}
}
