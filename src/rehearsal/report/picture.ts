/**
 * A rehearsal as one SVG: the load on top, then for each policy its replicas and, in red, what it missed. It stands by
 * itself: no script, no font, no address, and it adapts to a dark page. Pure; the same outcomes give the same bytes.
 */
import type { Outcome, Stretch } from '../rehearse.ts';
import type { Rehearsed } from './compare.ts';
import { labelOf, percent, replicaHours } from './verdict.ts';

const width = 960;
const left = 56;
const right = 16;
const top = 44;
const loadHeight = 90;
const rowHeight = 74;
const gap = 30;
const plotWidth = width - left - right;

const style = [
  'text{font:12px system-ui,sans-serif;fill:#333}',
  '.title{font-size:15px;font-weight:600}.quiet{fill:#707070}.axis{stroke:#bbb}',
  '.load{fill:#9db4c8}.serving{fill:#cfe3d4;stroke:#2d7d46}.target{fill:none;stroke:#1f4e8c;stroke-dasharray:3 2}',
  '.missed{fill:#c62828}',
  '@media(prefers-color-scheme:dark){text{fill:#ddd}.quiet{fill:#999}.axis{stroke:#555}.load{fill:#5b7388}',
  '.serving{fill:#24402c;stroke:#6fbf86}.target{stroke:#8ab4f0}.missed{fill:#ef6c6c}}',
].join('');

export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const coordinate = (value: number): string => String(Number(value.toFixed(1)));

interface Box {
  readonly y: number;
  readonly height: number;
  readonly max: number;
}

type Pick = (stretch: Stretch) => number;

/** A line in steps, since what is drawn holds for a stretch. */
function steps(timeline: readonly Stretch[], pick: Pick, { y, height, max }: Box): string {
  const step = plotWidth / Math.max(timeline.length, 1);
  let path = '';
  let drawn: string | undefined;
  for (const [index, stretch] of timeline.entries()) {
    const at = coordinate(y + height - (Math.min(pick(stretch), max) / (max || 1)) * height);
    if (at === drawn) continue;
    path += drawn === undefined ? `M${left} ${at}` : `H${coordinate(left + index * step)}V${at}`;
    drawn = at;
  }
  return drawn === undefined ? '' : `${path}H${width - right}`;
}

function area(timeline: readonly Stretch[], pick: Pick, box: Box, className: string): string {
  const line = steps(timeline, pick, box);
  if (line === '') return '';
  return `<path class="${className}" d="${line}V${coordinate(box.y + box.height)}H${left}Z"/>`;
}

function axis({ y, height, max }: Box, unit: string): string {
  const base = coordinate(y + height);
  return [
    `<path class="axis" d="M${left} ${base}H${width - right}"/>`,
    `<text x="${left - 6}" y="${coordinate(y + 10)}" text-anchor="end">${Math.ceil(max)}</text>`,
    `<text class="quiet" x="${left - 6}" y="${base}" text-anchor="end">${unit}</text>`,
  ].join('');
}

const largest = (timeline: readonly Stretch[], pick: Pick): number =>
  timeline.reduce((most, stretch) => Math.max(most, pick(stretch)), 0);

export function duration(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Number((seconds / 3600).toFixed(1))} h`;
  return `${Number((seconds / 86_400).toFixed(1))} d`;
}

export function picture({ report, outcomes }: Rehearsed): string {
  const { trace, seed, simulatedSeconds, requests, policies } = report;
  const rows = outcomes.length;
  const bottom = top + loadHeight + gap + rows * (rowHeight + gap);
  const all = outcomes.flatMap(({ timeline }) => timeline);
  const most = largest(all, ({ serving, target }) => Math.max(serving, target));
  const [first] = outcomes;
  const load: Box = { y: top, height: loadHeight, max: largest(first?.timeline ?? [], (each) => each.perSecond) };
  const row = (outcome: Outcome, index: number): string => {
    const policy = policies[index];
    const y = top + loadHeight + gap + index * (rowHeight + gap) + 14;
    const box: Box = { y, height: rowHeight - 14, max: most };
    const missed: Box = { ...box, max: load.max };
    const words =
      policy === undefined
        ? ''
        : `${percent(policy.violationFraction)} missed, ${replicaHours(policy.replicaSeconds)} replica-hours, ${policy.actions} actions, ${policy.flaps} flaps`;
    return [
      `<text x="${left}" y="${y - 5}"><tspan font-weight="600">${escaped(policy === undefined ? '' : labelOf(policy))}</tspan>`,
      `<tspan class="quiet" dx="10">${escaped(words)}</tspan></text>`,
      area(outcome.timeline, ({ serving }) => serving, box, 'serving'),
      `<path class="target" d="${steps(outcome.timeline, ({ target }) => target, box)}"/>`,
      area(outcome.timeline, (each) => each.violationsPerSecond, missed, 'missed'),
      axis(box, 'replicas'),
    ].join('');
  };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom}" role="img" aria-label="${escaped(`Rehearsal of ${trace}`)}">`,
    `<style>${style}</style>`,
    `<text class="title" x="${left}" y="20">${escaped(trace)}</text>`,
    `<text class="quiet" x="${left}" y="36">${duration(simulatedSeconds)}, ${requests} requests, seed ${seed}; `,
    'green: replicas that serve, dashed: target, red: requests missed on the scale of the load</text>',
    area(first?.timeline ?? [], (each) => each.perSecond, load, 'load'),
    axis(load, 'req/s'),
    ...outcomes.map(row),
    '</svg>\n',
  ].join('');
}
