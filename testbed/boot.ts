/**
 * How a node boots: a Docker engine as the one program of a process namespace, with mounts and a host name of its own, in
 * its network namespace. Its first process is an init, so that one signal ends everything in it at once, as a machine
 * does that loses power; mounts are private, so that they end with it.
 */
import { engineControllers, hierarchyRoot } from './control-groups.ts';
import type { NodeNames } from './names.ts';
import { namespaceFolder } from './network.ts';
import type { TestbedSettings } from './settings.ts';

/** Joins the control groups before anything else: from then on it can be found. */
const enter = `
group=$1 namespace=$2; shift 2
for controller in ${engineControllers.join(' ')}; do echo $$ > "${hierarchyRoot}/$controller/$group/cgroup.procs"; done
exec nsenter --net="${namespaceFolder}/$namespace" \\
  unshare --mount --uts --pid --fork --kill-child --mount-proc sh -ec "$@"`;

/** /run is the node's own: sockets and state of the engine's parts are gone with it. */
const boot = `
folder=$1 hostname=$2; shift 2
echo "$hostname" > /proc/sys/kernel/hostname
mount -t tmpfs -o mode=755 tmpfs /run
if [ -d /etc/docker ]; then mount --bind "$folder/etc" /etc/docker; fi
if [ -e "$folder/meminfo" ]; then mount --bind "$folder/meminfo" /proc/meminfo; fi
exec "$@"`;

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

export function bootCommand(node: NodeNames, { advertisedCpus }: TestbedSettings, machineCpus: number): Command {
  const engine = ['docker-init', '--', 'dockerd', '--config-file', `${node.folder}/daemon.json`];
  return {
    program: 'sh',
    args: [
      '-ec',
      enter,
      'enter',
      node.group,
      node.namespace,
      boot,
      'boot',
      node.folder,
      node.hostname,
      ...(advertisedCpus === undefined ? [] : ['taskset', '-c', cpuList(node.number, advertisedCpus, machineCpus)]),
      ...engine,
    ],
  };
}

/** Cores of a node that says it has fewer than the machine; neighbours get different ones. */
export function cpuList(node: number, count: number, machineCpus: number): string {
  return Array.from({ length: count }, (_, index) => ((node - 1) * count + index) % machineCpus).join(',');
}

/** The engine's configuration file, which it reads in place of the machine's. */
export function engineConfiguration(node: NodeNames, { genericResources }: TestbedSettings): object {
  return {
    'data-root': `${node.folder}/data`,
    // Absolute, or containerd is waited for in vain.
    'exec-root': '/run/docker',
    pidfile: '/run/docker.pid',
    hosts: [`unix://${node.socketPath}`],
    'cgroup-parent': `/${node.group}`,
    'exec-opts': ['native.cgroupdriver=cgroupfs'],
    'log-level': 'warn',
    'shutdown-timeout': 3,
    ...(genericResources === undefined
      ? {}
      : { 'node-generic-resources': Object.entries(genericResources).map(([kind, count]) => `${kind}=${count}`) }),
  };
}

/** /proc/meminfo of a machine with so much memory: the engine tells its Swarm the total. */
export function smallerMeminfo(meminfo: string, memoryMiB: number): string {
  const limitKiB = memoryMiB * 1024;
  return meminfo.replaceAll(
    /^(MemTotal|MemFree|MemAvailable):\s+(\d+) kB$/gm,
    (_, key: string, kib: string) => `${key}: ${key === 'MemTotal' ? limitKiB : Math.min(limitKiB, Number(kib))} kB`,
  );
}
