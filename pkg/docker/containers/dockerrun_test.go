// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"cmp"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/versions"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/validation"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/specs"
)

// everyday are command lines as they stand in compose files and READMEs, after docker create.
var everyday = []string{
	`-p 8080:80 nginx:alpine`,
	`-P nginx:alpine`,
	`-p 127.0.0.1:8081:80 -v $DIR/html:/usr/share/nginx/html:ro nginx:alpine`,
	`-p 3000-3002:3000-3002 -p 5300:53/udp --expose 4000 --expose 4001/udp nginx:alpine`,
	`-p 80 -p 127.0.0.1::443 nginx:alpine`,
	`-e POSTGRES_PASSWORD=secret -p 5432:5432 -v pgdata:/var/lib/postgresql/data postgres:16`,
	`-e POSTGRES_PASSWORD=secret --shm-size=256m --health-cmd 'pg_isready -U postgres' --health-interval 10s --health-timeout 5s --health-retries 5 --restart unless-stopped postgres:16`,
	`--no-healthcheck postgres:16`,
	`--health-interval 90s --health-start-period 1m30s postgres:16`,
	`postgres:16 -c shared_buffers=256MB -c max_connections=200`,
	`--restart always -v redis:/data redis:7-alpine redis-server --save 60 1 --loglevel warning`,
	`--restart on-failure:5 -it --name-is-made alpine:3.20 sh`,
	`--rm -i -v $DIR:/src/ -w /src -u 1000:1000 alpine:3.20 sh -c 'make test && echo "done"'`,
	`--entrypoint '' nginx:alpine env`,
	`--entrypoint /bin/sh nginx:alpine -c 'nginx -T'`,
	`--entrypoint nginx nginx:alpine`,
	`-e PATH=/custom:/bin -e EMPTY= -e QUOTED='a "b"' --env-file $DIR/env nginx:alpine`,
	`--privileged -v dind:/var/lib/docker docker:dind`,
	`-v /var/run/docker.sock:/var/run/docker.sock -p 9443:9443 --restart=always portainer/portainer-ce:latest`,
	`--network host --uts host --pid host --ipc host alpine:3.20 top`,
	`--network host --hostname other alpine:3.20`,
	`--cap-add=NET_ADMIN --cap-add=SYS_MODULE --sysctl net.ipv4.conf.all.src_valid_mark=1 -e PUID=1000 -e TZ=Etc/UTC -p 51820:51820/udp lscr.io/linuxserver/wireguard:latest`,
	`--network none --read-only --tmpfs /tmp --tmpfs /run:rw,noexec,nosuid,size=64m --cap-drop ALL --security-opt no-new-privileges alpine:3.20 id`,
	`-m 512m --memory-swap 1g --memory-reservation 256m --cpus 1.5 --pids-limit 100 alpine:3.20 sleep 1`,
	`-m 500000000 --cpuset-cpus 0 --cpu-shares 512 --ulimit nofile=1024:2048 --ulimit core=0 alpine:3.20 true`,
	`--network $NET --network-alias web --network-alias app --ip $SUBNET.77 nginx:alpine`,
	`--network $NET --hostname app --domainname example.com --add-host db:10.0.0.2 --dns 1.1.1.1 --dns-search example.com --dns-option ndots:2 alpine:3.20`,
	`--init --stop-signal SIGINT --stop-timeout 60 alpine:3.20 sleep 100`,
	`--log-driver local --log-opt max-size=10m alpine:3.20`,
	`--log-opt max-size=10m --log-opt max-file=3 alpine:3.20`,
	`--device /dev/null:/dev/fuse --device /dev/zero --device /dev/full:/dev/full:r --group-add 44 --group-add audio alpine:3.20`,
	`--gpus all alpine:3.20 nvidia-smi`,
	`--gpus '"device=0,1"' alpine:3.20 nvidia-smi`,
	`--pid container:$PEER --network container:$PEER --ipc container:$PEER alpine:3.20 ps`,
	`-l com.docker.compose.project=shop -l 'traefik.http.routers.web.rule=Host("example.com")' --label empty= nginx:alpine`,
	`--mount type=bind,source=$DIR,target=/data,readonly --mount type=volume,source=cache,target=/cache,volume-nocopy --mount type=tmpfs,target=/scratch,tmpfs-size=64m,tmpfs-mode=1770 alpine:3.20`,
	`--mount type=volume,target=/new,volume-driver=local,volume-label=a=b --mount type=bind,source=$DIR,target=/rslave,bind-propagation=rslave alpine:3.20`,
	`-v /anonymous -v cache:/cache:nocopy -v $DIR:/labelled:z,ro alpine:3.20`,
	`--volumes-from $PEER alpine:3.20`,
	`--userns host --cgroupns host --runtime runc alpine:3.20`,
	`--security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined alpine:3.20`,
	`--privileged --security-opt label=type:unconfined_t alpine:3.20`,
	`--security-opt no-new-privileges:true --security-opt seccomp:unconfined alpine:3.20`,
}

// everydayOnNewEngines are those that the docker command sends to newer engines only.
var everydayOnNewEngines = []string{
	`--network $NET --mac-address 02:42:ac:11:00:99 alpine:3.20`,
	`--mac-address 02:42:ac:11:00:97 alpine:3.20`,
	`--network name=$NET,alias=web,mac-address=02:42:ac:11:00:98 alpine:3.20`,
	`--mount type=image,source=nginx:alpine,target=/image alpine:3.20`,
}

// images makes images with the configurations of those that the command lines name.
func (r *real) images(t *testing.T) {
	t.Helper()
	for ref, configure := range map[string]func(*container.Config){
		"nginx:alpine": func(c *container.Config) {
			c.Entrypoint, c.Cmd, c.StopSignal = []string{"/docker-entrypoint.sh"}, []string{"nginx", "-g", "daemon off;"}, "SIGQUIT"
			c.User, c.WorkingDir, c.Volumes, c.Healthcheck = "", "/", nil, nil
		},
		"postgres:16": func(c *container.Config) { c.Volumes = map[string]struct{}{"/var/lib/postgresql/data": {}} },
		"redis:7-alpine": func(c *container.Config) {
			c.Cmd, c.Volumes = []string{"redis-server"}, map[string]struct{}{"/data": {}}
		},
	} {
		r.richImage(t, ref, configure)
	}
	for _, ref := range []string{"alpine:3.20", "docker:dind", "portainer/portainer-ce:latest", "lscr.io/linuxserver/wireguard:latest"} {
		dockertest.Must(t, r.docker.ImageTag(t.Context(), engine.Busybox, ref))
	}
}

func TestWhatDockerRunMadeIsMadeAgainOfItsSpec(t *testing.T) {
	docker, err := exec.LookPath("docker")
	if err != nil {
		t.Fatalf("the test needs the docker command: %v", err)
	}
	r := connect(t)
	r.images(t)
	w := specs.NewWorld(t, r.engine, "")
	dockertest.Must(t, os.Mkdir(filepath.Join(w.Dir, "html"), 0o755))
	dockertest.Must(t, os.WriteFile(filepath.Join(w.Dir, "env"), []byte("FROM_FILE=x y\n# none\n"), 0o600))
	lines := everyday
	if versions.GreaterThanOrEqualTo(r.api, hasImageSubpath) {
		lines = slices.Concat(everyday, everydayOnNewEngines)
	}
	for _, line := range lines {
		line = strings.ReplaceAll(line, "--name-is-made", "--name "+engine.UniqueName("named"))
		command := exec.Command("sh", "-c", "exec "+docker+" create "+line)
		command.Env = []string{"DOCKER_HOST=" + r.engine.Host(), "DOCKER_CONFIG=" + t.TempDir(), "DIR=" + w.Dir, "NET=" + w.Networks[0].Name, "SUBNET=" + w.Networks[0].Subnet, "PEER=" + w.Container}
		output, err := command.Output()
		if err != nil {
			t.Errorf("docker create %s: %v\n%s", line, err, err.(*exec.ExitError).Stderr)
			continue
		}
		words := strings.Fields(string(output)) // the last one is the ID
		first := r.engine.Inspect(t, words[len(words)-1])
		c := r.read(t, first.ID)
		r.remove(t, first.ID)

		again := &v1alpha1.Container{Spec: *c.Spec.DeepCopy()}
		again.Name, again.Labels = engine.UniqueName("again"), c.Labels
		if errs := validation.ValidateContainerCreate(again); len(errs) > 0 {
			t.Errorf("docker create %s: the spec %s is invalid: %v", line, textOf(t, &c.Spec), errs)
			continue
		}
		id, err := r.create(t, again)
		if err != nil {
			t.Errorf("docker create %s: creating it again of %s: %v", line, textOf(t, &c.Spec), err)
			continue
		}
		second := r.engine.Inspect(t, id)
		if diff := gocmp.Diff(essence(t, first), essence(t, second)); diff != "" {
			t.Errorf("docker create %s: was made (-), and again (+) of %s:\n%s", line, textOf(t, &c.Spec), diff)
		}
		if diff := gocmp.Diff(textOf(t, shown(&c.Spec)), textOf(t, &r.read(t, id).Spec)); diff != "" {
			t.Errorf("docker create %s: was shown (-), and is shown when it was made again (+):\n%s", line, diff)
		}
		r.remove(t, id)
	}
}

// essence returns what docker inspect says, without IDs, times and names, and without the difference between two ways to
// ask for the same.
func essence(t *testing.T, c *container.InspectResponse) map[string]any {
	t.Helper()
	short := c.ID[:shortIDLength]
	config, host := *c.Config, *c.HostConfig
	if config.Hostname == short {
		config.Hostname = ""
	}
	config.AttachStdin, config.AttachStdout, config.AttachStderr = false, false, false // how the docker command was attached
	config.Labels = maps.Clone(config.Labels)
	delete(config.Labels, v1alpha1.FieldsLabel)
	slices.Sort(config.Env)
	config.Volumes = nil
	host.ConsoleSize, host.ContainerIDFile = [2]uint{}, ""
	// The list of what is mounted says how these come out.
	host.Binds, host.Mounts, host.VolumesFrom = nil, nil, nil
	for target, options := range host.Tmpfs {
		host.Tmpfs[target] = strings.TrimPrefix(options, "rw,")
	}
	host.NetworkMode = container.NetworkMode(strings.Replace(string(host.NetworkMode), "default", "bridge", 1))
	slices.Sort(host.CapAdd)
	slices.Sort(host.CapDrop)
	for i, option := range host.SecurityOpt {
		host.SecurityOpt[i] = withEqualsSign(option)
	}
	mounts := slices.Clone(c.Mounts)
	for i := range mounts {
		m := &mounts[i]
		m.Mode, m.Propagation = "", container.MountPoint{}.Propagation
		if len(m.Name) == 64 || m.Type == mount.TypeImage {
			m.Name, m.Source = "", ""
		}
	}
	slices.SortFunc(mounts, func(a, b container.MountPoint) int { return cmp.Compare(a.Destination, b.Destination) })
	attached := map[string]any{}
	for name, endpoint := range c.NetworkSettings.Networks {
		aliases := slices.Clone(endpoint.Aliases)
		if i := slices.Index(aliases, short); i >= 0 {
			aliases = aliases[:i]
		}
		attached[name] = map[string]any{"aliases": aliases, "ipam": endpoint.IPAMConfig, "mac": endpoint.MacAddress}
	}
	text, err := json.Marshal(map[string]any{"path": c.Path, "args": c.Args, "image": c.Image, "config": config, "host": host, "mounts": mounts, "networks": attached})
	dockertest.Must(t, err)
	var all map[string]any
	dockertest.Must(t, json.Unmarshal(text, &all))
	return withoutEmpty(all).(map[string]any)
}

// withoutEmpty takes away what is null, an empty list or an empty object.
func withoutEmpty(value any) any {
	if list, ok := value.([]any); ok {
		for i := range list {
			list[i] = withoutEmpty(list[i])
		}
		return list
	}
	object, ok := value.(map[string]any)
	if !ok {
		return value
	}
	for name, part := range object {
		part = withoutEmpty(part)
		list, isList := part.([]any)
		below, isObject := part.(map[string]any)
		if part == nil || isList && len(list) == 0 || isObject && len(below) == 0 {
			delete(object, name)
		}
	}
	return object
}
