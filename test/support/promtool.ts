/** Prometheus' own checker of rules and expositions, as Debian packages it. */
import { spawnSync } from 'node:child_process';

const installed = spawnSync('promtool', ['--version']).error === undefined;
if (!installed && process.env['CI'] === 'true') throw new Error('CI needs promtool (apt: prometheus)');

/** For tests that need it. */
export const promtoolSkip = installed ? {} : { skip: 'promtool is not installed (apt: prometheus)' };

export function promtool(
  args: readonly string[],
  options: { readonly cwd?: string; readonly input?: string } = {},
): { readonly code: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { ...options, encoding: 'utf8' });
  return { code: status, output: stdout + stderr };
}
