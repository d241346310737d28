/** The last lines of a start: what is running, where, and what to try next. Pure. */
import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StatusView } from '../api/schemas.ts';
import { overviewText, type StatusStyle } from './status-text.ts';

type Listeners = Readonly<Record<string, { readonly url: string }>>;

const words: Readonly<Record<string, string>> = {
  http: 'REST',
  grpc: 'gRPC',
  metrics: 'metrics',
  control: 'control API',
};

export function upText(status: StatusView, listeners: Listeners, style: StatusStyle): string {
  const addresses = Object.entries(listeners).map(([name, { url }]) => `  ${(words[name] ?? name).padEnd(12)} ${url}`);
  const http = listeners['http']?.url ?? '';
  const tries = trials(status, http).map((line) => `  ${line}`);
  return ['', overviewText(status, style).trimEnd(), '', ...addresses, '', 'Try:', ...tries, ''].join('\n');
}

function trials(status: StatusView, http: string): string[] {
  const command = commandName();
  const first = status.deployments.find(({ counts }) => counts.ready > 0);
  const digits = status.deployments.some(({ name }) => name === 'digits');
  const sample = fileURLToPath(new URL('../../examples/digits/samples/seven.png', import.meta.url));
  const lines: string[] = [];
  if (digits && existsSync(sample)) {
    const shown = relative(process.cwd(), sample);
    lines.push(`curl -T ${shown.startsWith('..') ? sample : shown} ${http}/predictions/digits`);
  } else if (first !== undefined) lines.push(`curl ${http}/v2/models/${first.name}`);
  if (status.deployments.length === 0) lines.push(`${command} deploy model.onnx`);
  lines.push(`${command} status -w`);
  if (first !== undefined) lines.push(`${command} load ${digits ? 'digits' : first.name} --rate 50/s`);
  lines.push(`${command} down        (or Ctrl-C here: both drain first)`);
  return lines;
}

/** In a checkout nobody has `flyball` on the path. */
function commandName(): string {
  return import.meta.url.endsWith('.ts') ? 'npx flyball' : 'flyball';
}
