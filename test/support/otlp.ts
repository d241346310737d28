/** The published definitions of OpenTelemetry as a witness: bodies of exports, decoded by its Python package. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Received } from '../../src/testing/line-receiver.ts';
import { findPython } from './python.ts';

const script = fileURLToPath(new URL('../clients/otlp_decode.py', import.meta.url));

export const otlpPython = findPython('opentelemetry-proto');

export interface Decoded {
  readonly signal: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Throws with the first that cannot be read. */
export async function decodeOtlp(requests: readonly Pick<Received, 'path' | 'body'>[]): Promise<Decoded[]> {
  const child = spawn(otlpPython.path, [script], {
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: 120_000,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const lines = requests.map(({ path, body }) => JSON.stringify({ signal: path.split('/').at(-1), body }));
  child.stdin.end(`${lines.join('\n')}\n`);
  await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const results = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map(
      (line) =>
        JSON.parse(line) as { readonly name: string; readonly decoded?: Decoded['body']; readonly error?: string },
    );
  if (results.length !== requests.length) throw new Error(`decoded ${results.length} of ${requests.length}: ${stderr}`);
  return results.map(({ name, decoded, error }, index) => {
    if (decoded === undefined) throw new Error(`${name}: ${error}\n${requests[index]?.body.slice(0, 2000)}`);
    return { signal: name, body: decoded };
  });
}
