/** Real Docker engines for tests: several as a testbed, or one alone that is a Swarm of one node. */
import { execFileSync } from 'node:child_process';
import { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { testbedHindrance } from '../../testbed/requirements.ts';
import { openTestbed, type Testbed, type TestbedOptions } from '../../testbed/testbed.ts';

const hindrance = testbedHindrance();
if (hindrance !== undefined && process.env['CI'] === 'true') throw new Error(`CI needs a testbed: ${hindrance}`);

/** For tests that need real engines. */
export const engineSkip = hindrance === undefined ? {} : { skip: hindrance };

export interface Engine extends AsyncDisposable {
  /** Its API. */
  readonly docker: Docker;
  readonly socketPath: string;
  /** Of the node in the testbed's network, where its containers' host ports are. */
  readonly address: string;
  /** Of this machine, as containers reach it. */
  readonly machineAddress: string | undefined;
  /** A command is put behind these words to run in that network. */
  readonly lan: readonly string[];
  /** To take its power away, to freeze it or to cut it off: it is node 1. */
  readonly testbed: Testbed;
}

/**
 * One engine in namespaces of its own, a Swarm of one node; about two seconds. With `reachable: true` this process
 * reaches its containers' host ports at `address` directly, and they reach it at `machineAddress`.
 */
export async function startEngine(options: Omit<TestbedOptions, 'nodes' | 'managers'> = {}): Promise<Engine> {
  const testbed = await openTestbed({ ...options, nodes: 1, managers: 1 });
  const { socketPath, address } = testbed.node(1);
  return {
    docker: testbed.docker(1),
    socketPath,
    address,
    machineAddress: testbed.machineAddress,
    lan: testbed.lan,
    testbed,
    [Symbol.asyncDispose]: () => testbed[Symbol.asyncDispose](),
  };
}

/** Makes an image of nothing but this machine's `sh` and `sleep`, 2 MB, without a registry. */
export async function makeShellImage(docker: Docker, tag: string): Promise<void> {
  const programs = ['/bin/sh', '/bin/sleep'];
  const libraries = programs.flatMap((program) =>
    [...execFileSync('ldd', [program], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path),
  );
  const files = [...new Set([...programs, ...libraries])].map((path) => path.slice(1));
  // Links are followed: /bin and /lib are some, and what they point to is all that is wanted.
  const archive = execFileSync('tar', ['-C', '/', '--dereference', '-cf', '-', ...files], { maxBuffer: 64 << 20 });
  const [repo, name] = tag.split(':');
  const progress = await docker.importImage(Readable.from([archive]), { repo, tag: name });
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(progress, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });
}
