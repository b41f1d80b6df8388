// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin_test

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/registry"
)

// newName returns a name for a container that a command makes. The container is removed when the test ends.
func newName(t *testing.T) string {
	t.Helper()
	name := engine.UniqueName("run")
	docker.RemoveAfter(t, name)
	return name
}

func TestRunPrintsBothOutputsAndExitsWithTheExitCodeOfTheContainer(t *testing.T) {
	name := newName(t)
	got := run(t, "run", "--name", name, "--network", "none", "busybox", "sh", "-c", "echo out; echo err >&2; exit 7")
	if want := (result{"out\n", "err\n", 7}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if docker.Inspect(t, name).State.ExitCode != 7 {
		t.Error("the container has not ended")
	}
}

func TestARunLosesNoOutputHoweverShortItIs(t *testing.T) {
	for range 5 {
		if got := ok(t, "run", "--rm", "--network", "none", "busybox", "echo", "hello"); got != "hello\n" {
			t.Errorf("%q", got)
		}
	}
	const count = 200_000
	var want strings.Builder
	for i := 1; i <= count; i++ {
		fmt.Fprintln(&want, i)
	}
	if got := ok(t, "run", "--rm", "--network", "none", "busybox", "seq", fmt.Sprint(count)); got != want.String() {
		t.Errorf("%d bytes, want %d", len(got), want.Len())
	}
}

func TestARunIsGoneWhenTheCommandEndsIfItIsToBeRemoved(t *testing.T) {
	name := newName(t)
	for range 3 { // the name is free again each time
		ok(t, "run", "--rm", "--name", name, "--network", "none", "-v", "/data", "busybox", "true")
		if docker.Inspect(t, name) != nil {
			t.Error("the container is still there")
		}
	}
	if r := run(t, "run", "--rm", "--name", name, "--network", "none", "busybox", "false"); r != (result{code: 1}) || docker.Inspect(t, name) != nil {
		t.Errorf("%+v", r)
	}
}

func TestARunReadsTheInputToItsEnd(t *testing.T) {
	input := strings.Repeat("0123456789abcdef", 1<<14)
	command := command(t, kubectl.Any(t, server.Kubeconfig), "engine", "run", "-i", "--rm", "--network", "none", "busybox", "cat")
	command.Stdin = strings.NewReader(input)
	stdout, stderr, err := kubectl.Capture(command)
	if err != nil || stdout != input || stderr != "" {
		t.Errorf("%d bytes, want %d: %v %s", len(stdout), len(input), err, stderr)
	}
}

func TestARunInTheBackgroundPrintsItsName(t *testing.T) {
	name := newName(t)
	if got := ok(t, append([]string{"run", "-d", "-i", "--name", name, "--network", "none", "busybox"}, engine.Wait...)...); got != name+"\n" {
		t.Errorf("%q", got)
	}
	if inspected := docker.Inspect(t, name); !inspected.State.Running || inspected.Config.StdinOnce {
		t.Errorf("%+v", inspected.State)
	}
	made := strings.TrimSpace(ok(t, "run", "-d", "--rm", "--network", "none", "busybox", "true"))
	if !strings.Contains(made, "_") {
		t.Errorf("the container got the name %q", made)
	}
	other := newName(t)
	if got := ok(t, "run", "-d", "-o", "name", "--name", other, "--network", "none", "busybox", "true"); got != "container.containers.rancherdesktop.io/"+other+"\n" {
		t.Errorf("%q", got)
	}
}

func TestASignalForARunReachesTheContainer(t *testing.T) {
	name := newName(t)
	command := command(t, kubectl.Any(t, server.Kubeconfig), "engine", "run", "--name", name, "--network", "none", "busybox",
		"sh", "-c", "trap 'echo bye; exit 9' INT; echo ready; while :; do sleep 3600 & wait; done")
	output, err := command.StdoutPipe()
	must(t, err)
	must(t, command.Start())
	reader := bufio.NewReader(output)
	if line, err := reader.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("%q %v", line, err)
	}
	must(t, command.Process.Signal(syscall.SIGINT))
	rest, err := io.ReadAll(reader)
	must(t, err)
	_ = command.Wait()
	if code := command.ProcessState.ExitCode(); code != 9 || string(rest) != "bye\n" {
		t.Errorf("exit code %d, %q", code, rest)
	}
}

func TestCreateMakesAContainerWithoutStartingIt(t *testing.T) {
	name := newName(t)
	if got := ok(t, "create", "--name", name, "busybox", "true"); got != name+"\n" || docker.Inspect(t, name).State.Status != "created" {
		t.Errorf("%q, %+v", got, docker.Inspect(t, name).State)
	}
	other := newName(t)
	kubectl.Contains(t, ok(t, "create", "-o", "yaml", "--name", other, "busybox", "true"), "kind: Container", "  image: busybox", "status: created")
	dry := newName(t)
	kubectl.Contains(t, ok(t, "create", "--dry-run=server", "-o", "yaml", "--name", dry, "busybox", "true"), "imagePullPolicy: IfNotPresent")
	if got := ok(t, "run", "--dry-run=server", "--name", dry, "busybox"); got != "container.containers.rancherdesktop.io/"+dry+" created (server dry run)\n" || docker.Inspect(t, dry) != nil {
		t.Errorf("%q, %+v", got, docker.Inspect(t, dry))
	}
}

// unrunnable is what cannot be run, the line that the user reads, and the exit code, which is docker's. TAKEN is the name of
// another container, NEW is a new name, and MADE_NETWORK is a network.
var unrunnable = []struct {
	line string
	want []string
	code int
}{
	{"run --name TAKEN busybox", []string{"cannot create TAKEN", "already exists"}, 125},
	{"run --name no/name busybox", []string{"cannot create no/name"}, 125},
	{"run --pull never absent:v1", []string{"cannot create", "absent:v1"}, 125},
	{"run -m 1m busybox", []string{"spec.resources.memory", "must be 6Mi or more"}, 125},
	{"run -v a:/x -v b:/x busybox", []string{"spec.mounts[1].target", "must differ from the target of spec.mounts[0]"}, 125},
	{"run -p 80:80 -p 80:90 busybox", []string{"spec.ports[1]", "has the same port on the engine's host as"}, 125},
	{"run --mount type=bind,src=/no/such/path,dst=/x --name NEW busybox", []string{"/no/such/path", "not exist"}, 125},
	{"run --name NEW --network none busybox no-such-program", []string{"cannot start NEW", "no-such-program"}, 127},
	{"run --rm --network none busybox no-such-program", []string{"cannot start", "no-such-program"}, 127},
	{"run -d --name NEW --network none busybox /no/such/program", []string{"cannot start NEW", "/no/such/program"}, 127},
	{"run --name NEW --network none busybox /bin", []string{"cannot start NEW", "/bin"}, 126},
	{"create --name TAKEN busybox", []string{"cannot create TAKEN", "already exists"}, 1},
	{"run --network absent --name NEW busybox", []string{"cannot create NEW", "network absent not found"}, 125},
	{"update -m 1m TAKEN", []string{"cannot update TAKEN", "must be 6Mi or more"}, 1},
	{"update -m 64m absent", []string{"no such container: absent"}, 1},
	{"network connect absent TAKEN", []string{"no such network: absent"}, 1},
	{"network disconnect MADE_NETWORK TAKEN", []string{"cannot disconnect TAKEN from MADE_NETWORK", "is not connected to network MADE_NETWORK"}, 1},
}

func TestWhatCannotBeRunIsOneLineAndDockersExitCode(t *testing.T) {
	taken := engine.UniqueName("taken")
	docker.Create(t, taken, func(_ *container.Config, host *container.HostConfig) { host.NetworkMode = "none" })
	network := engine.UniqueName("net")
	docker.Network(t, network, nil)
	for _, test := range unrunnable {
		fill := strings.NewReplacer("TAKEN", taken, "NEW", newName(t), "MADE_NETWORK", network)
		r := run(t, strings.Fields(fill.Replace(test.line))...)
		if r.code != test.code || r.stdout != "" || strings.Count(r.stderr, "\n") != 1 || !strings.HasPrefix(r.stderr, "error: ") {
			t.Errorf("%s: %+v, want exit code %d", test.line, r, test.code)
		}
		for _, words := range test.want {
			kubectl.Contains(t, r.stderr, fill.Replace(words))
		}
	}
}

func TestARunDownloadsAnImageThatIsNotThereWithTheUsersCredentials(t *testing.T) {
	someone := registry.User{Name: "someone", Password: "a-very-secret-word"}
	r := registry.Start(t, someone)
	login(t, r, someone)
	tag := r.Ref("team/" + engine.UniqueName("tool") + ":v1")
	docker.Tag(t, engine.Busybox, tag)
	ok(t, "push", "-q", tag)
	arguments := []string{"--rm", "--network", "none", tag, "echo", "hello"}
	for _, flags := range [][]string{nil, {"-q"}, {"--pull", "always"}, {"--platform", "linux/amd64"}} {
		untag(t, tag)
		printed := run(t, append(append([]string{"run"}, flags...), arguments...)...)
		if printed.stdout != "hello\n" || printed.code != 0 || strings.Contains(printed.stderr, someone.Password) {
			t.Errorf("%q: %+v", flags, printed)
		}
		isMissing := len(flags) == 0 || flags[0] == "-q"
		if strings.Contains(printed.stderr, "Unable to find image '"+tag+"' locally") != isMissing {
			t.Errorf("%q: %s", flags, printed.stderr)
		}
		if strings.Contains(printed.stderr, "Status: Downloaded newer image for "+tag) == (len(flags) > 0 && flags[0] == "-q") {
			t.Errorf("%q: %s", flags, printed.stderr)
		}
	}
	if again := run(t, append([]string{"run"}, arguments...)...); again != (result{stdout: "hello\n"}) {
		t.Errorf("%+v", again)
	}
	inspected, err := docker.Client().ImageInspect(t.Context(), tag)
	if err != nil {
		t.Fatal(err)
	}
	for _, digest := range inspected.RepoDigests {
		if printed := run(t, "run", "--rm", "--network", "none", digest, "echo", "hello"); printed != (result{stdout: "hello\n"}) {
			t.Errorf("%s: %+v", digest, printed)
		}
	}
	untag(t, tag)
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	printed := run(t, append([]string{"run"}, arguments...)...)
	if printed.code != 125 || printed.stdout != "" {
		t.Errorf("%+v", printed)
	}
	kubectl.Contains(t, printed.stderr, "error: cannot pull "+tag)
	docker.Tag(t, engine.Busybox, tag) // for the end of the test, which removes it
}

func TestUpdateChangesLimitsAndTheRestartPolicy(t *testing.T) {
	first, second := newName(t), newName(t)
	for _, name := range []string{first, second} {
		ok(t, append([]string{"run", "-d", "--name", name, "--network", "none", "--restart", "on-failure:3", "busybox"}, engine.Wait...)...)
	}
	got := ok(t, "update", "-m", "64m", "--memory-swap", "128m", "--memory-reservation", "32m", "--cpus", "0.5", "--cpu-shares", "512",
		"--cpuset-cpus", "0", "--pids-limit", "100", "--restart", "always", first, second)
	if got != first+"\n"+second+"\n" {
		t.Errorf("%q", got)
	}
	for _, name := range []string{first, second} {
		h := docker.Inspect(t, name).HostConfig
		if h.Memory != 64<<20 || h.MemorySwap != 128<<20 || h.MemoryReservation != 32<<20 || h.NanoCPUs != 5e8 || h.CPUShares != 512 ||
			h.CpusetCpus != "0" || *h.PidsLimit != 100 || h.RestartPolicy != (container.RestartPolicy{Name: "always"}) {
			t.Errorf("%+v", h)
		}
	}
	ok(t, "update", "--restart", "no", first)
	if h := docker.Inspect(t, first).HostConfig; h.RestartPolicy.Name != "no" || h.Memory != 64<<20 {
		t.Errorf("%+v", h)
	}
}

func TestNetworksAreConnectedAndDisconnectedWhileTheContainerRuns(t *testing.T) {
	front, back := engine.UniqueName("front"), engine.UniqueName("back")
	frontID := docker.Network(t, front, nil)
	docker.Network(t, back, nil)
	name := newName(t)
	ok(t, append([]string{"run", "-d", "--name", name, "--network", back, "busybox"}, engine.Wait...)...)
	connected := func() (names []string) {
		for network := range docker.Inspect(t, name).NetworkSettings.Networks {
			names = append(names, network)
		}
		return names
	}
	if got := ok(t, "network", "connect", "--alias", "web", "--alias", "www", frontID[:12], name); got != "" {
		t.Errorf("%q", got)
	}
	endpoint := docker.Inspect(t, name).NetworkSettings.Networks[front]
	if endpoint == nil || len(connected()) != 2 || !strings.Contains(strings.Join(endpoint.Aliases, " "), "web www") {
		t.Errorf("%v %+v", connected(), endpoint)
	}
	fails(t, []string{"cannot connect " + name + " to " + front, "already exists in network " + front}, "network", "connect", front, name)
	ok(t, "network", "disconnect", back, name)
	if got := connected(); len(got) != 1 || got[0] != front {
		t.Errorf("%v", got)
	}
	ok(t, "network", "disconnect", front, name)
	if got := connected(); len(got) != 0 {
		t.Errorf("%v", got)
	}
}
