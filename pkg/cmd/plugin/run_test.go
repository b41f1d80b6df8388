// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/cli/cli/config"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

func TestADryRunOfTheClientPrintsTheContainerAndNeedsNoServer(t *testing.T) {
	t.Setenv("KUBECONFIG", t.TempDir()+"/absent")
	for line, want := range map[string]string{
		"run --dry-run=client -o yaml --name web -n somewhere -l tier=front -p 8080:80 -i nginx:1.27 -v": `apiVersion: containers.rancherdesktop.io/v1alpha1
kind: Container
metadata:
  labels:
    tier: front
  name: web
  namespace: somewhere
spec:
  args:
  - -v
  image: nginx:1.27
  ports:
  - containerPort: 80
    hostPort: 8080
    protocol: TCP
  stdin: true
  stdinOnce: true
`,
		"create --dry-run=client -o yaml --name web -i nginx": `apiVersion: containers.rancherdesktop.io/v1alpha1
kind: Container
metadata:
  name: web
spec:
  image: nginx
  state: created
  stdin: true
  stdinOnce: true
`,
		"run --dry-run=client -d -i -o json --name web nginx": `{
    "apiVersion": "containers.rancherdesktop.io/v1alpha1",
    "kind": "Container",
    "metadata": {
        "name": "web"
    },
    "spec": {
        "image": "nginx",
        "stdin": true
    }
}
`,
		"run --dry-run=client -o name --name web nginx":                    "container.containers.rancherdesktop.io/web\n",
		"run --dry-run=client --name web nginx":                            "container.containers.rancherdesktop.io/web created (dry run)\n",
		"run --dry-run=client -o jsonpath={.spec.image}: --name web nginx": "nginx:",
	} {
		if stdout, stderr, code := run(strings.Fields(line)...); stdout != want || stderr != "" || code != 0 {
			t.Errorf("%s: exit code %d\n%s%s", line, code, stdout, stderr)
		}
	}
}

func TestAContainerWithoutANameGetsOneAsFromDocker(t *testing.T) {
	names := map[string]bool{}
	for range 5 {
		stdout, stderr, code := run("run", "--dry-run=client", "-o", "jsonpath={.metadata.name}", "nginx")
		if left, right, found := strings.Cut(stdout, "_"); !found || left == "" || right == "" || code != 0 {
			t.Errorf("%q %q %d", stdout, stderr, code)
		}
		names[stdout] = true
	}
	if len(names) < 2 {
		t.Errorf("all have the names %v", names)
	}
}

func TestARunThatCannotBeginIsOneLineAndExitCode125(t *testing.T) {
	t.Setenv("KUBECONFIG", t.TempDir()+"/absent")
	config.SetDir(t.TempDir())
	for line, want := range map[string]string{
		"run":                                            "kubectl engine run needs the name of an image (kubectl engine run --help shows how it is used)",
		"run -d":                                         "kubectl engine run needs the name of an image (kubectl engine run --help shows how it is used)",
		"run --cpus many busybox":                        `--cpus "many": failed to parse many as a rational number`,
		"run --restrat no busybox":                       "unknown flag: --restrat: did you mean --restart?",
		"run --link db busybox":                          `--link "db": this flag of docker is not supported: containers on one network know each other by their names: use --network`,
		"run -p http:80 busybox":                         "invalid hostPort: http",
		"run --rm --restart always busybox":              "conflicting options: cannot specify both --restart and --rm",
		"run Busybox":                                    `"Busybox": invalid reference format: repository name (library/Busybox) must be lowercase`,
		"run --dry-run=maybe busybox":                    `--dry-run must be "none", "server", or "client"`,
		"run --dry-run=client -o table busybox":          `--output: unable to match a printer suitable for the output format "table", allowed formats are: go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,kyaml,name,template,templatefile,yaml`,
		"run -o yaml busybox":                            errNoOutput.Error(),
		"run --detach-keys ctrl busybox":                 "--detach-keys \"ctrl\": Unknown character: 'ctrl'",
		"run --env-file absent busybox":                  "open absent: no such file or directory",
		"run --label-file absent busybox":                "open absent: no such file or directory",
		"run --security-opt seccomp=absent.json busybox": "opening seccomp profile (absent.json) failed: open absent.json: no such file or directory",
		"run busybox":                                    "there is no kubeconfig: name it with --kubeconfig or $KUBECONFIG (engine-apiserver prints where its own is)",
	} {
		stdout, stderr, code := run(strings.Fields(line)...)
		if stdout != "" || stderr != "error: "+want+"\n" || code != codeNotRun {
			t.Errorf("%s: exit code %d\n%s%s", line, code, stdout, stderr)
		}
		if line == "run -o yaml busybox" || strings.Contains(line, "--detach-keys") {
			continue
		}
		line = strings.Replace(line, "run", "create", 1)
		want = strings.ReplaceAll(want, "engine run", "engine create")
		if stdout, stderr, code := run(strings.Fields(strings.ReplaceAll(line, " -d", ""))...); stdout != "" || stderr != "error: "+want+"\n" || code != 1 {
			t.Errorf("%s: exit code %d\n%s%s", line, code, stdout, stderr)
		}
	}
	t.Setenv("KUBECONFIG", absentCredentials(t))
	for command, want := range map[string]int{"run": codeNotRun, "create": 1} {
		if stdout, stderr, code := run(command, "busybox"); stdout != "" || !strings.Contains(stderr, "no such file or directory") || strings.Count(stderr, "\n") != 1 || code != want {
			t.Errorf("%s: exit code %d\n%s%s", command, code, stdout, stderr)
		}
	}
	if stdout, stderr, code := run("run", "-it", "busybox"); stdout != "" || stderr != "error: the input device is not a TTY: leave out -t\n" || code != 1 {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}

// absentCredentials returns the path of a kubeconfig whose credentials come from a program that is not there.
func absentCredentials(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{"c": {Server: "https://127.0.0.1:1", InsecureSkipTLSVerify: true}},
		AuthInfos: map[string]*clientcmdapi.AuthInfo{"u": {Exec: &clientcmdapi.ExecConfig{
			APIVersion: "client.authentication.k8s.io/v1", Command: "/absent/program", InteractiveMode: clientcmdapi.NeverExecInteractiveMode,
		}}},
		Contexts:       map[string]*clientcmdapi.Context{"x": {Cluster: "c", AuthInfo: "u", Namespace: "somewhere"}},
		CurrentContext: "x",
	}, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheExitCodeSaysWhyAContainerDoesNotRun(t *testing.T) {
	for words, want := range map[string]int{
		`exec: "absent": executable file not found in $PATH: unknown`: 127,
		`exec: "/absent": stat /absent: no such file or directory`:    127,
		`exec: "/etc": permission denied`:                             126,
		`exec: "/etc": is a directory`:                                126,
		"driver failed: port is already allocated":                    125,
	} {
		if got := codeOf(errors.New(words)); got != want {
			t.Errorf("%s: %d, want %d", words, got, want)
		}
	}
}

func TestAnUpdateChangesOnlyWhatIsGiven(t *testing.T) {
	t.Setenv("KUBECONFIG", t.TempDir()+"/absent")
	for line, want := range map[string]string{
		"update":                          "kubectl engine update needs the name or the ID of a container (kubectl engine update --help shows how it is used)",
		"update web":                      "you must provide one or more flags when using this command",
		"update --restart sometimes web":  "invalid restart policy: unknown policy 'sometimes'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
		"update -m lots web":              `--memory "lots": invalid size: 'lots'`,
		"network connect front":           "kubectl engine network connect needs the name or the ID of a network, and that of a container",
		"network disconnect front web db": "kubectl engine network disconnect needs the name or the ID of a network, and that of a container",
	} {
		if stdout, stderr, code := run(strings.Fields(line)...); stdout != "" || stderr != "error: "+want+"\n" || code != 1 {
			t.Errorf("%s: exit code %d\n%s%s", line, code, stdout, stderr)
		}
	}
}
