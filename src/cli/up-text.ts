/** The last lines of a start: what is running, where, and what to try next. Pure. */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StatusView } from '../api/schemas.ts';
import { overviewText, type StatusStyle } from './status-text.ts';

type Listeners = Readonly<Record<string, { readonly url: string }>>;

const words: Readonly<Record<string, string>> = {
  http: 'REST',
  grpc: 'gRPC',
  metrics: 'metrics',
  control: 'control API',
  management: 'TorchServe',
};

/** What a person opens or hands to a client: the gRPC listener speaks no HTTP that `curl` would. */
function shownAddress(name: string, url: string): string {
  if (name === 'grpc') return url.replace(/^http/, 'grpc');
  return { metrics: `${url}/metrics`, control: `${url}/api/v1`, management: `${url}/models` }[name] ?? url;
}

export interface Around {
  /** Options with which a second terminal in this folder finds this platform; empty when it does so by itself. */
  readonly where: string;
  /** The file of a key, where callers need one. */
  readonly keyFile: string | undefined;
}

export function upText(status: StatusView, listeners: Listeners, style: StatusStyle, around: Around): string {
  const line = (name: string, address: string): string => `  ${name.padEnd(12)} ${address}`;
  const { control } = listeners;
  const addresses = [
    // What a person opens first.
    ...(control === undefined ? [] : [line('console', `${control.url}/`)]),
    ...Object.entries(listeners).map(([name, { url }]) => line(words[name] ?? name, shownAddress(name, url))),
  ];
  const http = listeners['http']?.url ?? '';
  const tries = trials(status, http, around).map((line) => `  ${line}`);
  return ['', overviewText(status, style).trimEnd(), '', ...addresses, '', 'Try:', ...tries, ''].join('\n');
}

function trials(status: StatusView, http: string, { where, keyFile }: Around): string[] {
  const command = commandName();
  const curl = curlWith(keyFile);
  const first = status.deployments.find(({ counts }) => counts.ready > 0);
  const digits = status.deployments.some(({ name }) => name === 'digits');
  const sample = fileURLToPath(new URL('../../examples/digits/samples/seven.png', import.meta.url));
  const lines: string[] = [];
  const end = `${command} down${where}`;
  if (digits && existsSync(sample)) {
    lines.push(`${curl} -T ${nearby(sample)} ${http}/predictions/digits`);
  } else if (first !== undefined) lines.push(`${curl} ${http}/v2/models/${first.name}`);
  if (status.deployments.length === 0) lines.push(`${command} deploy model.onnx${where}`);
  lines.push(`${command} status -w${where}`);
  if (first !== undefined) lines.push(`${command} load ${digits ? 'digits' : first.name} --rate 50/s${where}`);
  // A comment to the shell, so that the line can be pasted as it stands.
  lines.push(`${end}   # or Ctrl-C here: both drain first`);
  return lines;
}

/** As it can be pasted; what the shell remembers of it is the file, and not the key. */
export function curlWith(keyFile: string | undefined): string {
  return keyFile === undefined ? 'curl' : `curl -H "Authorization: Bearer $(cat '${nearby(keyFile)}')"`;
}

/** From the working directory where it lies in it. */
function nearby(path: string): string {
  const shown = relative(process.cwd(), path);
  return shown.startsWith('..') ? path : shown;
}

/**
 * In a checkout nobody has `flyball` on the path. `npx` finds it, with the checkout's own Node, from inside only; from
 * elsewhere what runs here is named in full.
 */
export function commandName(): string {
  if (!import.meta.url.endsWith('.ts')) return 'flyball';
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const isInside = !relative(root, process.cwd()).startsWith('..');
  return isInside ? 'npx flyball' : `${process.execPath} ${join(root, 'bin', 'flyball.js')}`;
}
