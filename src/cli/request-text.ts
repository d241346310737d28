/** One request as text for people: how it ended, where its time went, and with whom it shared its batch. Pure. */
import type { RequestView } from '../api/request-schemas.ts';
import type { StatusStyle } from './status-text.ts';
import { clockTime, milliseconds } from '../units.ts';

const matesShown = 3;

export function requestText(request: RequestView, style: Pick<StatusStyle, 'bold' | 'ellipsis'>): string {
  const { traceId, deployment, version, protocol, at, status, message, totalMs, batch, replica } = request;
  const lines = [style.bold(`${deployment}: request ${traceId}`)];
  const add = (name: string, text: string): void => void lines.push(`  ${name.padEnd(10)}${text}`);
  const ended = message === undefined ? status : `${status}: ${message}`;
  add('came', `${clockTime(at)} over ${protocol}`);
  add('ended', `${ended}, after ${milliseconds(totalMs)}`);
  add('spent', partsOf(request).join(' · '));
  if (batch !== undefined) {
    const { rows, requests, id, mates } = batch;
    const shown = mates.slice(0, matesShown).join(', ');
    const more = mates.length > matesShown ? `, ${style.ellipsis}` : '';
    const alone = requests === 1 ? 'alone' : `with ${requests - 1} more${shown === '' ? '' : `: ${shown}${more}`}`;
    add('batch', `${id} of ${rows} rows, ${alone}`);
  }
  if (replica !== undefined) add('replica', `${replica}, version ${version}`);
  return lines.join('\n');
}

/** Queue and replica are what the governor's decisions buy; what is left of the whole is the gateway's own. */
function partsOf({ readMs = 0, queueMs, callMs, waitMs = 0, inputMs = 0, computeMs, totalMs }: RequestView): string[] {
  const parts = [`read ${milliseconds(readMs)}`, `queue ${milliseconds(queueMs)}`];
  if (callMs === undefined) return parts;
  const inside = [
    ...(waitMs > 0 ? [`wait ${milliseconds(waitMs)}`] : []),
    ...(inputMs > 0 ? [`decode ${milliseconds(inputMs)}`] : []),
    ...(computeMs === undefined ? [] : [`compute ${milliseconds(computeMs)}`]),
  ];
  const rest = Math.max(0, totalMs - readMs - queueMs - callMs);
  return [
    ...parts,
    `replica ${milliseconds(callMs)}${inside.length === 0 ? '' : ` (${inside.join(', ')})`}`,
    `rest ${milliseconds(rest)}`,
  ];
}
