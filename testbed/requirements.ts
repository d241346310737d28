/** Whether a testbed can be had on this machine, and how to get what is missing. */
import { accessSync, constants, existsSync } from 'node:fs';
import { systemPath } from './commands.ts';
import { controllers, hierarchyRoot } from './control-groups.ts';

const programs: Readonly<Record<string, string>> = {
  dockerd: 'docker.io',
  containerd: 'docker.io',
  'docker-init': 'docker.io',
  ip: 'iproute2',
  iptables: 'iptables',
  nsenter: 'util-linux',
  unshare: 'util-linux',
  taskset: 'util-linux',
  mount: 'mount',
};

export function findProgram(program: string): string | undefined {
  return systemPath
    .split(':')
    .map((folder) => `${folder}/${program}`)
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Why no testbed can be had here; undefined when one can. Nothing is tried: what the machine looks like is looked at. */
export function testbedHindrance(): string | undefined {
  if (process.platform !== 'linux') return `a testbed needs Linux, came ${process.platform}`;
  if (process.getuid?.() !== 0) return 'a testbed makes namespaces and control groups: it needs root';
  const missing = Object.keys(programs).filter((program) => findProgram(program) === undefined);
  if (missing.length > 0) {
    const packages = [...new Set(missing.map((program) => programs[program]))].join(' ');
    return `a testbed needs ${missing.join(', ')} (Debian: apt-get install --no-install-recommends ${packages})`;
  }
  const lacking = controllers.filter((controller) => !existsSync(`${hierarchyRoot}/${controller}/cgroup.procs`));
  if (lacking.length === 0) return undefined;
  const unified = existsSync(`${hierarchyRoot}/cgroup.controllers`);
  return `expected cgroup v1 with ${controllers.join(', ')} below ${hierarchyRoot}, got ${
    unified ? 'cgroup v2' : `no ${lacking.join(', ')}`
  }`;
}
