/**
 * `flyball status`: what control knows, once or again and again. On a terminal `-w` redraws one screen; piped it gives
 * one JSON object a change. Absent is never shown as zero, and what is old says so.
 */
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StatusView } from '../../api/schemas.ts';
import { FlyballError } from '../../errors.ts';
import { connect } from '../connect.ts';
import type { ControlClient } from '../control-client.ts';
import { flag, type Invocation } from '../declaration.ts';
import { exitCodes, UsageError, type ExitCode } from '../exit-codes.ts';
import { gatewaysText } from '../gateways-text.ts';
import { nearest } from '../../config/nearest.ts';
import { formatOf, print, toJson } from '../output.ts';
import { deploymentText, overviewText, type StatusStyle } from '../status-text.ts';
import { storeText } from '../store-text.ts';
import { statusStyle, type Terminal } from '../terminal.ts';
import { cut } from '../wrap.ts';

/** Four looks a second: under the five redraws that a terminal may get. */
const watchMs = 250;

export async function run(invocation: Invocation): Promise<ExitCode> {
  const { terminal, values, positionals, signal } = invocation;
  const client = connect(invocation);
  const name = positionals[0];
  const format = formatOf(values);
  if (flag(values, 'watch')) {
    if (format === 'yaml' || format === 'name')
      throw new UsageError(`-w shows a screen or NDJSON, not ${format}`, 'leave -o out, or say -o ndjson');
    return terminal.stdout.isTTY && format === 'table'
      ? await watchScreen(client, name, terminal, signal)
      : await watchLines(client, name, terminal, signal);
  }
  const status = await client.status(signal);
  const selected = select(status, name);
  await print(terminal, format, {
    data: name === undefined ? status : selected[0],
    items: selected,
    names: () => selected.map((deployment) => deployment.name),
    table: () => text(status, name, statusStyle(terminal)),
  });
  return healthOf(selected);
}

type Deployments = StatusView['deployments'];

function select(status: StatusView, name: string | undefined): Deployments {
  if (name === undefined) return status.deployments;
  const found = status.deployments.find((deployment) => deployment.name === name);
  if (found !== undefined) return [found];
  const names = status.deployments.map((deployment) => deployment.name);
  const [near] = nearest(name, names);
  const hint = near === undefined ? `there are: ${names.join(', ') || 'none'}` : `did you mean ${near}?`;
  throw new FlyballError('DEPLOYMENT_NOT_FOUND', `no deployment is called ${name}; ${hint}`);
}

function healthOf(deployments: Deployments): ExitCode {
  const ill = deployments.some((deployment) => deployment.state === 'failed' || deployment.state === 'degraded');
  return ill ? exitCodes.failed : exitCodes.done;
}

function text(status: StatusView, name: string | undefined, style: StatusStyle): string {
  const [only] = name === undefined ? [] : select(status, name);
  if (only !== undefined) return deploymentText(only, status, style);
  const gateways = gatewaysText(status);
  // With gateways elsewhere the loss of this machine is theirs to hear of, too.
  return overviewText(status, style) + gateways + storeText(status, gateways === '' ? hostname() : '');
}

/** The alternate screen is left again whatever happens, so that the shell looks as before. */
async function watchScreen(
  client: ControlClient,
  name: string | undefined,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<ExitCode> {
  let last = await client.status(signal);
  select(last, name);
  terminal.stdout.write('\u001B[?1049h\u001B[?25l');
  try {
    for (;;) {
      // Again each time: the terminal may have been resized.
      const style = statusStyle(terminal);
      let banner = '';
      try {
        last = await client.status(signal);
      } catch (error) {
        if (signal.aborted) throw error;
        banner = style.red(
          `! not connected: ${error instanceof Error ? error.message : String(error)}; what follows is old\n`,
        );
      }
      // A line that wrapped would push the others off the screen.
      const lines = (banner + text(last, name, style))
        .split('\n')
        .slice(0, terminal.stdout.rows - 1)
        .map((line) => cut(line, terminal.stdout.columns, style.ellipsis));
      terminal.stdout.write(`\u001B[H${lines.map((line) => `${line}\u001B[K`).join('\n')}\u001B[J`);
      await sleep(watchMs, undefined, { signal });
    }
  } finally {
    terminal.stdout.write('\u001B[?25h\u001B[?1049l');
  }
}

async function watchLines(
  client: ControlClient,
  name: string | undefined,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<ExitCode> {
  let before = '';
  for (;;) {
    const status = await client.status(signal);
    const seen = name === undefined ? status : select(status, name)[0];
    const now = toJson(withoutAges(seen));
    if (now !== before) terminal.stdout.write(`${toJson(seen)}\n`);
    before = now;
    await sleep(watchMs, undefined, { signal });
  }
}

const ages: ReadonlySet<string> = new Set(['at', 'ageMs', 'asOf', 'until']);

/** The passing of time alone is no change. */
function withoutAges(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, each: unknown) => (ages.has(key) ? undefined : each)) ?? 'null');
}
