// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// execute runs a command line and returns its output.
func execute(t *testing.T, arguments ...string) (string, error) {
	t.Helper()
	command := NewCommand()
	var out bytes.Buffer
	command.SetOut(&out)
	command.SetErr(&out)
	command.SetArgs(arguments)
	err := command.ExecuteContext(t.Context())
	return out.String(), err
}

func TestAMistypedCommandLineIsOneLineThatSaysWhatWasMeant(t *testing.T) {
	const flags, commands = " (engine-apiserver serve --help shows the flags)", " (engine-apiserver --help shows the commands)"
	for line, want := range map[string]string{
		"nope":                    `unknown command "nope"` + commands,
		"serv":                    `unknown command "serv": did you mean "serve"?`,
		"sevre --secure-port 0":   `unknown command "sevre": did you mean "serve"?`,
		"help nope":               `unknown command "nope"` + commands,
		"help regster":            `unknown command "regster": did you mean "register"?`,
		"help serve now":          `unknown command "now" (engine-apiserver serve --help shows the commands)`,
		"completion zhs":          `unknown command "zhs": did you mean "zsh"?`,
		"completion bash now":     `engine-apiserver completion bash takes no arguments, but was given "now"`,
		"version now":             `engine-apiserver version takes no arguments, but was given "now"`,
		"serve now":               `engine-apiserver serve takes no arguments, but was given "now"`,
		"--nope":                  "unknown flag: --nope (engine-apiserver --help shows the flags)",
		"serve --nope":            "unknown flag: --nope" + flags,
		"serve -x":                "unknown shorthand flag: 'x' in -x" + flags,
		"serve --sceure-port 1":   "unknown flag: --sceure-port: did you mean --secure-port?",
		"serve --docker_host x":   "unknown flag: --docker_host: did you mean --docker-host?",
		"serve --port 1":          "unknown flag: --port: did you mean --secure-port?",
		"serve --host x":          "unknown flag: --host: did you mean --docker-host?",
		"serve --service x":       "unknown flag: --service: did you mean --service-name or --service-namespace?",
		"serve --a":               "unknown flag: --a" + flags,
		"serve --secure-port":     "--secure-port needs a value",
		"serve -v":                "--v needs a value",
		"serve --secure-port=":    `--secure-port "": must be a whole number`,
		"serve --secure-port x":   `--secure-port "x": must be a whole number`,
		"serve --secure-port 9.5": `--secure-port "9.5": must be a whole number`,
		"serve --secure-port 1" + strings.Repeat("0", 20): `--secure-port "1` + strings.Repeat("0", 20) + `": is out of range`,
		"serve --resync-period 5":                         `--resync-period "5": must be a duration such as 30s, 5m or 1h30m`,
		"serve --resync-period 5x":                        `--resync-period "5x": must be a duration such as 30s, 5m or 1h30m`,
		"serve --resync-period=":                          `--resync-period "": must be a duration such as 30s, 5m or 1h30m`,
		"register --timeout 5":                            `--timeout "5": must be a duration such as 30s, 5m or 1h30m`,
		"serve --ready-requires-engine=maybe":             `--ready-requires-engine "maybe": must be true or false`,
		"serve --bind-address x":                          `--bind-address "x": must be an IP address`,
		"serve --v x":                                     `--v "x": must be a whole number, 0 or more`,
		"serve --goaway-chance x":                         `--goaway-chance "x": must be a number`,
		"serve --tls-curve-preferences x":                 `--tls-curve-preferences "x": must be a whole number`,
		"serve --log-json-info-buffer-size x":             `--log-json-info-buffer-size "x": must be a quantity such as 512, 64Ki or 2M`,
		"serve --vmodule x":                               `--vmodule "x": "x" does not have the pattern=N format`,
		"serve --feature-gates x":                         "--feature-gates: missing bool value for x",
		"serve --feature-gates WatchList=maybe":           "--feature-gates: invalid value of WatchList=maybe: must be true or false",
		"serve --tls-min-version x":                       `--tls-min-version "x": must be one of VersionTLS10, VersionTLS11, VersionTLS12, VersionTLS13`,
		"serve --tls-cipher-suites x":                     "--tls-cipher-suites: Cipher suite x not supported or doesn't exist",
		"serve --cors-allowed-origins [":                  "--cors-allowed-origins has an invalid regular expression: error parsing regexp: missing closing ]: `[`",
		"serve --resync-period 0s --secure-port 70000 --min-request-timeout -1": "--resync-period 0s: must be greater than zero; " +
			"--secure-port 70000: must be between 0, for a free one, and 65535; --min-request-timeout can not be negative value",
		"register --timeout 0s --address x --dry-run --delete": `--timeout 0s: must be greater than zero; ` +
			`--address "x": must be host:port, such as localhost:6445 or [2001:db8::1]:6445; ` +
			"--dry-run shows what would be applied, and --delete applies nothing: leave one out",
		"register --engine-access all --policy some": `--engine-access "all": must be view, operate or full; --policy "some": must be restricted or none`,
		"register --policy none":                     "--policy has no meaning without --engine-access=full",
	} {
		out, err := execute(t, strings.Fields(line)...)
		if err == nil || err.Error() != want || out != "" {
			t.Errorf("%s\n  prints %q\n  and says %v,\n  want     %s", line, out, err, want)
		}
	}
}

func TestRegisterSaysThatThereIsNoKubeconfig(t *testing.T) {
	dir := t.TempDir()
	none, empty := filepath.Join(dir, "none"), filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for kubeconfig, want := range map[string]string{
		none:                    "there is no kubeconfig " + none + ": name one with --kubeconfig",
		none + ":" + none + "2": "there is no kubeconfig " + none + ", " + none + "2: name one with --kubeconfig",
		empty:                   "the kubeconfig " + empty + " is empty: name one with --kubeconfig",
		dir:                     dir + " is a directory: name the kubeconfig in it with --kubeconfig",
	} {
		t.Setenv("KUBECONFIG", kubeconfig)
		if _, err := execute(t, "register"); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestTheVersionIsPrinted(t *testing.T) {
	want := regexp.MustCompile(`^engine-apiserver v\S+ go\S+ \w+/\w+( \(.+\))?\n$`)
	for _, arguments := range [][]string{{"version"}, {"--version"}, {"-v"}} {
		if out, err := execute(t, arguments...); err != nil || !want.MatchString(out) || strings.Contains(out, "$Format") || strings.Contains(out, "1970") {
			t.Errorf("%q: %q %v", arguments, out, err)
		}
	}
}

func TestEachShellCanCompleteCommandsAndFlags(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if out, err := execute(t, "completion", shell); err != nil || !strings.Contains(out, "__complete") {
			t.Errorf("%s: %v %.200s", shell, err, out)
		}
	}
	for line, want := range map[string]string{
		"serv": "serve", "help reg": "register", "serve --docker-h": "--docker-host", "register --addr": "--address", "completion z": "zsh",
	} {
		if out, err := execute(t, append([]string{"__complete"}, strings.Fields(line)...)...); err != nil || !strings.HasPrefix(out, want) {
			t.Errorf("%s: %v %.200s", line, err, out)
		}
	}
}

func TestHelpShowsEachCommand(t *testing.T) {
	for line, want := range map[string]string{
		"": "Available Commands", "help": "Available Commands", "help serve": "--docker-host", "help help": "help of a command",
		"help completion bash": "source <(", "completion": "powershell", "serve --help": "--docker-host",
	} {
		if out, err := execute(t, strings.Fields(line)...); err != nil || !strings.Contains(out, want) {
			t.Errorf("%q: %v %.200s", line, err, out)
		}
	}
}

// mentioned matches the flags that a help text names.
var mentioned = regexp.MustCompile(`--([a-z0-9][a-z0-9-]*)`)

func TestHelpNamesNoFlagThatIsNotThere(t *testing.T) {
	root := NewCommand()
	command := func(name string) *pflag.FlagSet {
		found, _, err := root.Find([]string{name})
		if err != nil {
			t.Fatal(err)
		}
		return found.Flags()
	}
	serve, register := command("serve"), command("register")
	for _, flags := range [][]*pflag.FlagSet{{serve}, {register, serve}} { // the help of register may name flags of serve
		flags[0].VisitAll(func(flag *pflag.Flag) {
			for _, match := range mentioned.FindAllStringSubmatch(flag.Usage, -1) {
				if !slices.ContainsFunc(flags, func(set *pflag.FlagSet) bool { return set.Lookup(match[1]) != nil }) {
					t.Errorf("the help of --%s names --%s, which does not exist", flag.Name, match[1])
				}
			}
		})
	}
	for name, want := range usages {
		if flag := serve.Lookup(name); flag == nil || flag.Usage != want {
			t.Errorf("the help of --%s is replaced, and the flag is %+v", name, flag)
		}
	}
}
