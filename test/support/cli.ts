/**
 * The command line as a user runs it: a process with arguments and an environment, its two outputs and its exit code. A
 * verb that does not end is an error, never an exit code that nobody looks at.
 */
import { spawn } from 'node:child_process';
import { cliPath } from './platform.ts';

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const usualLimitMs = 120_000;

export async function runCli(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  input?: Uint8Array,
  limitMs = usualLimitMs,
): Promise<CliResult> {
  const child = spawn(process.execPath, [cliPath, ...args], {
    // What is printed does not depend on the locale of whoever runs the tests.
    env: { ...process.env, LC_ALL: 'C.UTF-8', NO_COLOR: '1', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: limitMs,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.on('error', () => {}); // it may have ended without reading
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => {
    child.on('close', resolve);
  });
  if (child.killed) throw new Error(`flyball ${args.join(' ')} did not end within ${limitMs} ms: ${stdout}${stderr}`);
  return { code, stdout, stderr };
}
