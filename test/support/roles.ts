/** One role of a platform as a process of its own: `flyball control` or `flyball gateway`, from a folder that a test has made. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeAuthority } from '../../src/tls/authority.ts';
import { identityOf } from '../../src/tls/platform-authority.ts';
import { cliPath, until } from './platform.ts';
import { treeOf } from './processes.ts';

export interface RoleProcess extends AsyncDisposable {
  readonly process: ChildProcess;
  readonly dataDirectory: string;
  /** By listener. */
  readonly urls: Readonly<Record<string, string>>;
  output(): string;
  /** Ends it with a signal and waits; gives the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
  /** As a machine that loses its power: all its processes at once. */
  vanish(): Promise<void>;
}

/** Files that the roles are told: `authority.pem`, `gateway.pem`. */
export function writeIdentities(folder: string): void {
  const authority = makeAuthority('roles', Date.now());
  const { certificate, key } = identityOf(authority, 'gateway', 'client', Date.now());
  writeFileSync(join(folder, 'authority.pem'), authority.certificate + authority.key, { mode: 0o600 });
  writeFileSync(join(folder, 'gateway.pem'), certificate + key + authority.certificate, { mode: 0o600 });
}

/** Returns when it has said where it listens. */
export async function startRole(
  folder: string,
  role: 'control' | 'gateway',
  node: string,
  args: readonly string[],
): Promise<RoleProcess> {
  const dataDirectory = join(folder, node);
  mkdirSync(dataDirectory, { recursive: true });
  const child = spawn(
    process.execPath,
    [cliPath, role, 'flyball.yaml', '--node', node, '--data-dir', dataDirectory, ...args],
    { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } },
  );
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => void child.on('close', resolve));
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return exited;
  };
  const urls = await until(`${role} ${node} to say where it listens`, () => {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${output}`);
    const told = JSON.parse(readFileSync(join(dataDirectory, 'supervisor.json'), 'utf8')) as {
      readonly pid: number;
      readonly listeners: Readonly<Record<string, { readonly url: string }>>;
    };
    if (told.pid !== child.pid) return undefined;
    return Object.fromEntries(Object.entries(told.listeners).map(([name, { url }]) => [name, url]));
  });
  return {
    process: child,
    dataDirectory,
    urls,
    output: () => output,
    end,
    async vanish() {
      for (const pid of treeOf(child.pid ?? 0)) process.kill(pid, 'SIGKILL');
      await exited;
    },
    async [Symbol.asyncDispose]() {
      // One that was stopped in between could not drain.
      child.kill('SIGCONT');
      await end('SIGTERM');
    },
  };
}
