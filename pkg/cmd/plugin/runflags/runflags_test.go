// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package runflags

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/yaml"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/validation"
)

// parse reads the arguments of docker run.
func parse(arguments []string) (*v1alpha1.Container, error) {
	flags := pflag.NewFlagSet("run", pflag.ContinueOnError)
	flags.SetInterspersed(false)
	run := NewRun(flags)
	if err := flags.Parse(arguments); err != nil {
		return nil, err
	}
	return run.Container(flags.Arg(0), flags.Args()[1:])
}

// section is a command line of testdata/run.golden and the YAML of its container.
type section struct{ line, want string }

func sections(t *testing.T) (found []section) {
	t.Helper()
	content, err := os.ReadFile("testdata/run.golden")
	if err != nil {
		t.Fatal(err)
	}
	for text := range strings.SplitSeq(string(content), "\n$ ") {
		line, want, _ := strings.Cut(strings.TrimPrefix(text, "$ "), "\n")
		found = append(found, section{line, strings.TrimSpace(want)})
	}
	return found
}

func TestEachFlagFillsItsField(t *testing.T) {
	t.Setenv("DOCKER_DEFAULT_PLATFORM", "")
	t.Setenv("FROM_HERE", "found")
	t.Chdir("testdata")
	directory, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("..")
	all := sections(t)
	t.Chdir("testdata")
	for _, s := range all {
		c, err := parse(words(s.line))
		if err != nil {
			t.Errorf("%s: %v", s.line, err)
			continue
		}
		got := map[string]any{}
		if c.Name != "" {
			got["name"] = c.Name
		}
		if c.Labels != nil {
			got["labels"] = c.Labels
		}
		if spec := c.Spec; !equality.Semantic.DeepEqual(spec, v1alpha1.ContainerSpec{}) {
			got["spec"] = spec
		}
		text, err := yaml.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		printed := strings.ReplaceAll(strings.TrimSpace(string(text)), directory, "DIRECTORY")
		if difference := cmp.Diff(s.want, printed); difference != "" {
			t.Errorf("%s (-want +got):\n%s", s.line, difference)
		}
		if errs := validation.ValidateContainerCreate(c); len(errs) > 0 {
			t.Errorf("%s: the server would refuse it: %v", s.line, errs)
		}
	}
}

// words splits a line as a shell does that knows only single quotes.
func words(line string) (found []string) {
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			found = append(found, part)
		} else {
			found = append(found, strings.Fields(part)...)
		}
	}
	return found
}

func TestEveryFlagIsTested(t *testing.T) {
	flags := pflag.NewFlagSet("run", pflag.ContinueOnError)
	NewRun(flags)
	tested := map[string]bool{}
	for _, s := range sections(t) {
		for _, word := range words(s.line) {
			name, _, _ := strings.Cut(word, "=")
			tested[name] = true
		}
	}
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Value.Type() != "unsupported" && !tested["--"+flag.Name] && !tested["-"+flag.Shorthand] {
			t.Errorf("no line of testdata/run.golden has --%s", flag.Name)
		}
	})
}

// refusals are command lines and the words with which docker refuses them. A few say what the API cannot do.
var refusals = map[string]string{
	"--pull sometimes busybox":                                     "invalid pull option: 'sometimes'",
	"-p 80:http busybox":                                           "invalid containerPort: http",
	"-p http:80 busybox":                                           "invalid hostPort: http",
	"-p 1.2.3:80:80 busybox":                                       "invalid IP address: 1.2.3",
	"-p 80/icmp busybox":                                           "invalid proto: icmp",
	"-p 80-82:90-91 busybox":                                       "invalid ranges specified for container and host Ports: 90-91 and 80-82",
	"-p 8000-8010:80 busybox":                                      "not one of a range here",
	"-p target=80,published busybox":                               "invalid publish opts format (should be name=value but got 'published')",
	"--expose 80:80 busybox":                                       "invalid port format for --expose: 80:80",
	"--expose many busybox":                                        "invalid range format for --expose: many",
	"--network a --network a busybox":                              "network \"a\" is specified multiple times",
	"--network a --network host busybox":                           "cannot attach both user-defined and non-user-defined network-modes",
	"--network host --network none busybox":                        "cannot attach to several networks by their modes",
	"--network-alias db busybox":                                   "network-scoped aliases are only supported for user-defined networks",
	"--ip 10.0.0.2 busybox":                                        "user specified IP address is supported on user defined networks only",
	"--network host --mac-address 02:42:ac:11:0:2 x":               "conflicting options: mac-address and the network mode",
	"--mac-address nonsense busybox":                               "nonsense is not a valid mac address",
	"--network name=a,ip=10.0.0.2 --ip 10.0.0.3 x":                 "cannot specify both --ip and per-network IPv4 address",
	"--network name=a,alias=b --network-alias c x":                 "cannot specify both --network-alias and per-network alias",
	"--network name=a,driver-opt=b=c busybox":                      "driver-opt is not supported",
	"--network name=a,color=red busybox":                           "invalid field key color",
	"--dns localhost busybox":                                      "IP address is not correctly formatted: localhost",
	"--add-host db busybox":                                        "bad format for add-host: \"db\"",
	"-v : busybox":                                                 "invalid volume specification: ':'",
	"-v a:/b:c:d busybox":                                          "invalid volume specification: 'a:/b:c:d'",
	"-v a:b busybox":                                               "invalid mount path: 'b' mount path must be absolute",
	"-v a:/b:sideways busybox":                                     "invalid mode: sideways",
	"-v a:/b:ro,rw busybox":                                        "invalid mode: ro,rw",
	"-v a:/b:Z busybox":                                            "Z does not go with a volume",
	"-v /a:/b:nocopy busybox":                                      "nocopy does not go with a bind",
	"--mount type=bind,src=/a busybox":                             "target is required",
	"--mount type=bind,color=red busybox":                          "unexpected key 'color' in 'color=red'",
	"--mount type=tmpfs,dst=/a,tmpfs-size=big busybox":             "invalid value for tmpfs-size: big",
	"--mount type=volume,dst=/a,bind-propagation=slave x":          "cannot mix 'bind-*' options with mount type 'volume'",
	"--mount type=bind,src=/a,dst=/b,ro,bind-recursive=writable x": "bind-recursive of /b can only be enabled or disabled",
	"-m lots busybox":                                              "invalid size: 'lots'",
	"--cpus many busybox":                                          "failed to parse many as a rational number",
	"--cpus 0.0000000001 busybox":                                  "value is too precise",
	"--restart sometimes busybox":                                  "unknown policy 'sometimes'",
	"--restart on-failure:many busybox":                            "maximum retry count must be an integer",
	"--restart always:3 busybox":                                   "maximum retry count can only be used with 'on-failure'",
	"--restart always --rm busybox":                                "conflicting options: cannot specify both --restart and --rm",
	"--health-retries=-1 busybox":                                  "--health-retries cannot be negative",
	"--health-interval 1500ms busybox":                             "--health-interval must be whole seconds, but is 1.5s",
	"--health-cmd true --no-healthcheck busybox":                   "--no-healthcheck conflicts with --health-* options",
	"--device fuse busybox":                                        "fuse is not an absolute path",
	"--device /dev/fuse:/dev/fuse:all busybox":                     "bad mode specified: all",
	"--device /dev/fuse::r busybox":                                "bad format for path: /dev/fuse::r",
	"--gpus few busybox":                                           "invalid count (few)",
	"--gpus 4294967297 busybox":                                    "--gpus: 4294967297 is out of range",
	"--gpus -4294967295 busybox":                                   "--gpus: -4294967295 is out of range",
	"--gpus 1 --gpus 2 busybox":                                    "--gpus can be given once",
	"--ulimit files=3 busybox":                                     "invalid ulimit type: files",
	"--ulimit nofile busybox":                                      "invalid ulimit argument: nofile",
	"--pid nonsense busybox":                                       "--pid: invalid PID mode",
	"--ipc nonsense busybox":                                       "--ipc: invalid IPC mode",
	"--uts nonsense busybox":                                       "--uts: invalid UTS mode",
	"--userns nonsense busybox":                                    "--userns: invalid USER mode",
	"--cgroupns nonsense busybox":                                  "--cgroupns: invalid CGROUP mode",
	"--security-opt nonsense busybox":                              "invalid --security-opt: \"nonsense\"",
	"--security-opt seccomp=absent.json busybox":                   "opening seccomp profile (absent.json) failed",
	"--restart on-failure:4294967296 busybox":                      "maximum retry count",
	"--sysctl kernel.hostname=x busybox":                           "sysctl 'kernel.hostname=x' is not allowed",
	"--log-driver none --log-opt max-size=1m busybox":              "invalid logging opts for driver none",
	"-e =x busybox":                                                "invalid environment variable: =x",
	"--env-file absent busybox":                                    "open absent: no such file or directory",
	"-l =x busybox":                                                "invalid label '=x': empty name",
	"--label-file absent busybox":                                  "open absent: no such file or directory",
	"--link db busybox":                                            "not supported: containers on one network know each other by their names: use --network",
	"--oom-kill-disable busybox":                                   "not supported",
	"-a stdout busybox":                                            "not supported",
}

func TestWhatDockerRefusesIsRefusedInItsWords(t *testing.T) {
	t.Chdir(t.TempDir())
	for line, want := range refusals {
		if c, err := parse(words(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v, want %s", line, c, err, want)
		}
	}
}

func TestAProfileForSeccompIsSentAsItsContent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "profile.json")
	if err := os.WriteFile(path, []byte("{\n  \"defaultAction\": \"SCMP_ACT_ALLOW\"\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := parse([]string{"--security-opt", "seccomp=" + path, "busybox"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.Spec.SecurityContext.SecurityOpts[0], `seccomp={"defaultAction":"SCMP_ACT_ALLOW"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestThePlatformOfDockersVariableIsTakenIfNoFlagNamesOne(t *testing.T) {
	t.Setenv("DOCKER_DEFAULT_PLATFORM", "linux/arm64")
	for want, arguments := range map[string][]string{"linux/arm64": {"busybox"}, "linux/amd64": {"--platform", "linux/amd64", "busybox"}} {
		if c, err := parse(arguments); err != nil || c.Spec.Platform != want {
			t.Errorf("%v %v, want %s", c, err, want)
		}
	}
}

func TestAnUpdateNeedsAFlagAndTakesThoseOfDocker(t *testing.T) {
	update := func(arguments ...string) (*v1alpha1.ContainerResources, *v1alpha1.ContainerRestartPolicy, error) {
		flags := pflag.NewFlagSet("update", pflag.ContinueOnError)
		update := NewUpdate(flags)
		if err := flags.Parse(arguments); err != nil {
			return nil, nil, err
		}
		return update.Value()
	}
	if _, _, err := update(); err == nil || err.Error() != "you must provide one or more flags when using this command" {
		t.Error(err)
	}
	if _, _, err := update("--restart", "sometimes"); err == nil {
		t.Error("an unknown policy is taken")
	}
	if limits, policy, err := update("-m", "64m", "--pids-limit", "-1"); err != nil || policy != nil || limits.Memory.String() != "64Mi" || *limits.Pids != -1 {
		t.Error(limits, policy, err)
	}
	if limits, policy, err := update("--restart", "on-failure:3"); err != nil || limits != nil || policy.MaximumRetryCount != 3 {
		t.Error(limits, policy, err)
	}
}
