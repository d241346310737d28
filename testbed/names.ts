/**
 * What everything of a testbed is called, from its name and the number of a node alone: so that it can be found and
 * taken away again without any record of it. The limits are the kernel's: a Unix socket's path has at most 107 bytes.
 */
import { createHash } from 'node:crypto';

export const defaultName = 'default';

/** Folder of every testbed's state. On a disk: engines keep their images there. */
export const stateRoot = '/var/lib/flyball-testbed';

/** Control group of every testbed, below the root of each hierarchy. */
export const groupRoot = 'flyball-testbed';

export const nodesMax = 50;

/** `FLYBALL_TESTBED` unless a name is given; throws for one that cannot be part of a path or of a namespace's name. */
export function testbedName(given: string | undefined, env: NodeJS.ProcessEnv): string {
  const name = given ?? env['FLYBALL_TESTBED'] ?? defaultName;
  if (!/^[a-z][a-z0-9-]{0,23}$/.test(name))
    throw new Error(
      `expected a testbed's name of at most 24 lower-case letters, digits and "-", a letter first; came ${JSON.stringify(name)}`,
    );
  return name;
}

export interface NodeNames {
  /** 1, 2, …: as commands name it. */
  readonly number: number;
  readonly hostname: string;
  /** Of its network namespace. */
  readonly namespace: string;
  /** Of its port on the bridge, inside the namespace of the network: an interface's name has at most 15 bytes. */
  readonly port: string;
  readonly address: string;
  /** Control group below the root of each hierarchy. */
  readonly group: string;
  readonly folder: string;
  readonly socketPath: string;
}

export interface TestbedNames {
  readonly name: string;
  readonly folder: string;
  readonly group: string;
  /** Network namespace that holds the bridge, as a switch would stand between machines. */
  readonly lan: string;
  readonly gateway: string;
  /** `10.77.X.0/24`. */
  readonly network: string;
  /** Of the machine itself where it is plugged in, and what its interface is called: at most 15 bytes. */
  readonly machine: { readonly address: string; readonly interface: string };
  readonly node: (number: number) => NodeNames;
  /** Whether a network namespace of this name is the testbed's. */
  readonly owns: (namespace: string) => boolean;
}

/**
 * Networks of testbeds are not connected with each other: two with the same third byte do not disturb each other unless
 * the machine is plugged into both, which is refused.
 */
function thirdByte(name: string): number {
  return name === defaultName ? 0 : 1 + (createHash('sha256').update(name).digest().readUInt16BE(0) % 255);
}

export function testbedNames(name: string): TestbedNames {
  const folder = `${stateRoot}/${name}`;
  const group = `${groupRoot}/${name}`;
  const prefix = `10.77.${thirdByte(name)}`;
  const own = new RegExp(`^flyball-${name}-(lan|\\d+)$`);
  return {
    name,
    folder,
    group,
    lan: `flyball-${name}-lan`,
    gateway: `${prefix}.1`,
    network: `${prefix}.0/24`,
    machine: {
      address: `${prefix}.2`,
      interface: `fbt-${createHash('sha256').update(name).digest('hex').slice(0, 10)}`,
    },
    node: (number) => ({
      number,
      hostname: `node${number}`,
      namespace: `flyball-${name}-${number}`,
      port: `n${number}`,
      address: `${prefix}.${10 + number}`,
      group: `${group}/n${number}`,
      folder: `${folder}/n${number}`,
      socketPath: `${folder}/n${number}/docker.sock`,
    }),
    owns: (namespace) => own.test(namespace),
  };
}
