// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Uses a server with the Kubernetes client for JavaScript:
//
//     node client.js KUBECONFIG NAMESPACE COMMAND ARGUMENT...
//
// Standard input and both outputs are those of the container, and the exit status is that of its command.
import { PassThrough } from 'node:stream';

import { Attach, CustomObjectsApi, Exec, KubeConfig, Log, PortForward, Watch } from '@kubernetes/client-node';

const group = 'containers.rancherdesktop.io';
const version = 'v1alpha1';
const [kubeconfig, namespace, command, ...args] = process.argv.slice(2);
const { stdin, stdout, stderr } = process;

const config = new KubeConfig();
config.loadFromFile(kubeconfig);

const collection = (plural) => `/apis/${group}/${version}/namespaces/${namespace}/${plural}`;

// The classes for pods put the name of a pod into /api/v1/namespaces/NAMESPACE/pods/NAME/exec and the like. A URL resolves
// "..", so these names of pods lead to other objects.
const inPlaceOfPod = (plural, name) => '../../../../..' + collection(plural) + '/' + name;
const pod = (container) => inPlaceOfPod('containers', container);

// ended waits for the end of a connection.
const ended = (connection) => new Promise((resolve) => connection.on('close', resolve));

// exitCode returns the exit code that a status stands for.
function exitCode(status) {
    if (status.status === 'Success') {
        return 0;
    }
    const cause = status.details?.causes?.find(({ reason }) => reason === 'ExitCode');
    if (!cause) {
        throw new Error(status.message);
    }
    return Number(cause.message);
}

async function exec(name, output, errors, tty, line) {
    let status;
    await ended(await new Exec(config).exec(namespace, pod(name), '', line, output, errors, stdin, tty, (s) => { status = s; }));
    if (!status) {
        throw new Error('the connection ended without a status');
    }
    process.exitCode = exitCode(status);
}

// Each command is a function of its arguments.
const commands = {
    // list prints the names of all objects of a resource.
    async list(plural) {
        const list = await config.makeApiClient(CustomObjectsApi).listNamespacedCustomObject({ group, version, namespace, plural });
        list.items.forEach(({ metadata }) => console.log(metadata.name));
    },

    // patch merges JSON into an object, and prints the result.
    async patch(plural, name, body) {
        const patched = await config.makeApiClient(CustomObjectsApi)
            .patchNamespacedCustomObject({ group, version, namespace, plural, name, body: JSON.parse(body) });
        console.log(JSON.stringify(patched));
    },

    // create makes an object from JSON, and prints it.
    async create(plural, body) {
        const created = await config.makeApiClient(CustomObjectsApi)
            .createNamespacedCustomObject({ group, version, namespace, plural, body: JSON.parse(body) });
        console.log(JSON.stringify(created));
    },

    // wait watches an object until a condition is true, and prints the object.
    async wait(plural, name, condition) {
        const found = await new Promise((resolve, reject) => {
            const isTrue = (object) => object.status?.conditions?.some(({ type, status }) => type === condition && status === 'True');
            const look = (type, object) => {
                if (type === 'DELETED' || type === 'ERROR') {
                    reject(new Error(`${type} ${JSON.stringify(object)}`));
                } else if (isTrue(object)) {
                    resolve(object);
                }
            };
            const end = (err) => reject(err || new Error(`the watch ended before ${condition} was true`));
            new Watch(config).watch(collection(plural), { fieldSelector: `metadata.name=${name}` }, look, end)
                .then((watch) => stdin.on('close', () => watch.abort()), reject);
        });
        console.log(JSON.stringify(found));
    },

    // watch prints the type and the object of each event of one object, until standard input ends.
    async watch(plural, name) {
        const print = (type, object) => console.log(`${type} ${JSON.stringify(object)}`);
        const fail = (err) => {
            if (err && err.name !== 'AbortError') {
                throw err;
            }
        };
        const watch = await new Watch(config).watch(collection(plural), { fieldSelector: `metadata.name=${name}` }, print, fail);
        stdin.on('end', () => watch.abort()).resume();
    },

    exec: (name, ...line) => exec(name, stdout, stderr, false, line),

    // terminal is exec with a terminal of 80 columns and 24 rows.
    async terminal(name, ...line) {
        const screen = Object.assign(new PassThrough(), { columns: 80, rows: 24 });
        screen.pipe(stdout);
        await exec(name, screen, null, true, line);
    },

    async attach(name) {
        await ended(await new Attach(config).attach(namespace, pod(name), '', stdout, stderr, stdin, false));
    },

    async log(plural, name, options) {
        const log = new PassThrough();
        await new Log(config).log(namespace, inPlaceOfPod(plural, name), '', log, JSON.parse(options));
        await ended(log.pipe(stdout, { end: false }) && log);
    },

    async portforward(name, port) {
        await ended(await new PortForward(config).portForward(namespace, pod(name), [Number(port)], stdout, stderr, stdin));
    },
};

try {
    await commands[command](...args);
} catch (err) {
    console.error(err.message || err);
    process.exitCode = 125;
}
stdin.destroy();
