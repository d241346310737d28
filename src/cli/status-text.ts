/**
 * The status as text for people. Desired, starting, ready, draining and failed are separate numbers: a target is never
 * shown as if it were the fact. Pure: the same status gives the same text.
 */
import { nextLine, spanText } from '../api/next-text.ts';
import type { DeploymentView, StatusView } from '../api/schemas.ts';
import { displayWidth, table, type Column } from './output.ts';
import { cut } from './wrap.ts';
import type { Style, Symbols } from './terminal.ts';
import { overrideText } from './override-text.ts';
import { age, byteSize, clockTime, milliseconds, rate, significant } from '../units.ts';
import { wrap } from './wrap.ts';

/** `columns`: of the terminal; absent where nobody looks at edges. */
export type StatusStyle = Style & Symbols & { readonly columns?: number | undefined };

/** Figures older than this say their age. */
const freshMs = 5000;

export function overviewText(status: StatusView, style: StatusStyle): string {
  const head = `${style.bold(status.name)}  flyball ${status.flyball}  ${clockTime(status.at)}  up ${age(status.at - status.startedAt)}\n`;
  const body =
    status.deployments.length === 0
      ? 'No deployments. Serve a model: flyball deploy model.onnx\n'
      : fitting(
          [
            { header: 'DEPLOYMENT', cell: (row) => row.name },
            { header: 'VERSION', cell: (row) => versionText(row, style) },
            { header: 'REPLICAS', cell: replicasText },
            { header: 'REQ/S', align: 'right', cell: (row) => loadText(row, rate(row.load.requestsPerSecond), style) },
            ...(status.deployments.some(({ governor }) => governor?.at !== undefined)
              ? [{ header: 'FORECAST', cell: (row: DeploymentView) => forecastText(row, style) }]
              : []),
            { header: 'P99 / SLO', align: 'right', cell: (row) => latencyText(row, style) },
            { header: 'QUEUE', align: 'right', cell: (row) => loadText(row, String(row.load.queueLength), style) },
            { header: 'STATE', cell: (row) => paintState(row, style) },
            ...(status.deployments.some(({ governor }) => governor?.at !== undefined)
              ? [
                  { header: 'MODE', cell: (row: DeploymentView) => modeText(row, style) },
                  ...(status.deployments.some(({ governor }) => governor?.next?.kind === 'change')
                    ? [{ header: 'NEXT', cell: (row: DeploymentView) => nextCell(row, status.at, style) }]
                    : []),
                  { header: 'LAST DECISION', cell: (row: DeploymentView) => decisionText(row, status.at, style) },
                ]
              : []),
          ],
          status.deployments,
          style,
        );
  return head + body + remarks(status, status.deployments, style);
}

/** Given up from the left when the terminal is too narrow for all of them; `status NAME` and -o json have them. */
const leastNeeded: readonly string[] = [
  'QUEUE',
  'VERSION',
  'FORECAST',
  'P99 / SLO',
  'NEXT',
  'LAST DECISION',
  'REQ/S',
  'MODE',
];

/** Of the last column so much at least, or it is given up like another. */
const lastColumnsMin = 30;

/** The last column, which is said in whole sentences, is cut to what room there is. */
function fitting<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { columns: width, ellipsis }: StatusStyle,
) {
  if (width === undefined) return table(columns, rows);
  const widthOf = (shown: readonly Column<Row>[]): number =>
    Math.max(
      ...table(shown, rows)
        .split('\n')
        .map((line) => displayWidth(line)),
    );
  let shown = columns;
  for (const header of ['', ...leastNeeded]) {
    shown = shown.filter((column) => column.header !== header);
    const last = shown.at(-1);
    if (last === undefined || widthOf(shown) <= width) break;
    const room = width - widthOf(shown.slice(0, -1)) - 2;
    if (last.header !== 'LAST DECISION' || room < lastColumnsMin) continue;
    shown = [...shown.slice(0, -1), { ...last, cell: (row) => cut(last.cell(row), room, ellipsis) }];
    break;
  }
  return table(shown, rows);
}

export function deploymentText(deployment: DeploymentView, status: StatusView, style: StatusStyle): string {
  const { load } = deployment;
  const lines = [
    `${style.bold(deployment.name)}  ${deployment.model}  ${stateText(deployment, style)}  ${clockTime(status.at)}`,
    `  version    ${versionText(deployment, style)}`,
    `  replicas   ${replicasText(deployment)}; desired ${deployment.desired}, bounds ${deployment.min} to ${deployment.max}`,
    `  load       ${loadText(deployment, `${rate(load.requestsPerSecond)} req/s, ${load.inFlight} in flight, ${load.queueLength} queued`, style)}`,
    `  latency    p50 ${load.p50Ms === null ? 'no data' : milliseconds(load.p50Ms)}, p99 / SLO ${latencyText(deployment, style)}`,
    `  failing    ${loadText(deployment, `${significant(load.errorsPerSecond)} errors/s, ${significant(load.shedPerSecond)} refused/s`, style)}`,
  ];
  if (deployment.coldStart !== undefined) lines.push(`  cold start ${coldStartText(deployment.coldStart, status.at)}`);
  if (deployment.governor?.at !== undefined) {
    const { mode, target, policy } = deployment.governor;
    lines.push(`  forecast   ${forecastWords(deployment)}`);
    lines.push(`  governor   ${mode}; ${policy} wants ${target}; ${decisionText(deployment, status.at, style)}`);
  }
  const next = deployment.governor?.next;
  if (next !== undefined) lines.push(`  next       ${nextLine(next, status.at).replace('→', style.arrow)}`);
  if (load.batchSizeCap !== null) lines.push(`  batch cap  ${load.batchSizeCap}`);
  const http = status.listeners['http'];
  if (http !== undefined) lines.push(`  address    ${http.url}/v2/models/${deployment.name}`);
  const replicas =
    deployment.replicas.length === 0
      ? ''
      : `\n${table(
          [
            { header: 'REPLICA', cell: (row) => row.id },
            { header: 'VERSION', cell: (row) => row.version },
            { header: 'STATE', cell: (row) => row.state },
            { header: 'WHERE', cell: (row) => row.where },
            { header: 'AGE', align: 'right', cell: (row) => age(status.at - row.startedAt) },
            {
              header: 'READY AFTER',
              align: 'right',
              cell: (row) => (row.readyAfterMs === undefined ? style.dash : milliseconds(row.readyAfterMs)),
            },
            {
              header: 'MEMORY',
              align: 'right',
              cell: (row) => (row.residentBytes === undefined ? style.dash : byteSize(row.residentBytes)),
            },
            { header: 'LIMITS', cell: (row) => row.limits },
            { header: 'REASON', cell: (row) => row.reason ?? '' },
          ],
          deployment.replicas,
        )}`;
  return `${lines.join('\n')}\n${replicas}${remarks(status, [deployment], style)}`;
}

/** `82 ms from request to answer (detect 1, decide 3, start 55, load 9, warm 12, answer 2), 4 s ago`. */
function coldStartText(cold: NonNullable<DeploymentView['coldStart']>, at: number): string {
  const stages = (['detect', 'decide', 'start', 'load', 'warm', 'answer'] as const)
    .map((stage) => `${stage} ${significant(cold[`${stage}Ms`])}`)
    .join(', ');
  return `${milliseconds(cold.totalMs)} from request to answer (${stages}), ${age(at - cold.at)} ago`;
}

function forecastWords({ governor }: DeploymentView): string {
  const forecast = governor?.forecast;
  if (forecast === undefined) return 'as it is now: no forecaster is believed';
  const { perSecond, seconds, authority, by } = forecast;
  return `${rate(perSecond)} req/s in ${seconds} s, says "${by}", believed to ${Math.round(100 * authority)} %`;
}

/** `142 in 60 s (45 %)`: requests a second, and how far that is believed. */
function forecastText({ governor }: DeploymentView, style: StatusStyle): string {
  const forecast = governor?.forecast;
  if (forecast === undefined) return governor?.at === undefined ? style.dash : 'as now';
  const { perSecond, seconds, authority } = forecast;
  return `${rate(perSecond)} in ${seconds} s (${Math.round(100 * authority)} %)`;
}

/** What it would hold, where that is another number than the target; only advice where it may not. */
function modeText({ governor, desired }: DeploymentView, style: StatusStyle): string {
  if (governor?.at === undefined) return style.dash;
  const { mode, target } = governor;
  return target === undefined || target === desired ? mode : `${mode}, wants ${target}`;
}

/** `6→5 in 40 s`: if load stays. */
function nextCell({ governor }: DeploymentView, at: number, style: StatusStyle): string {
  const next = governor?.next;
  if (next?.kind !== 'change') return style.dash;
  return `${next.from}${style.arrow}${next.to} in ${spanText(next.at - at)}`;
}

const didNot = { held: ' held', advised: ' advised', asked: ' asked', refused: ' refused', moved: '' } as const;

/** `4→6 21 s ago: CPU is at 95 %`. */
function decisionText({ governor }: DeploymentView, at: number, style: StatusStyle): string {
  const decision = governor?.decision;
  if (decision === undefined) return governor?.at === undefined ? style.dash : 'none yet';
  const { from, to, done, reason } = decision;
  const what = from === to ? `held ${to}` : `${from}${style.arrow}${to}${didNot[done]}`;
  return `${what} ${age(at - decision.at)} ago: ${reason}`;
}

function versionText(deployment: DeploymentView, style: StatusStyle): string {
  const alias = /@(.+)$/.exec(deployment.model)?.[0] ?? '';
  const { serving, target } = deployment;
  const moving = target !== undefined && serving !== undefined && target !== serving;
  const version = moving ? `${serving}${style.arrow}${target}` : (serving ?? target ?? style.dash);
  return version + alias;
}

function replicasText({ counts, desired }: DeploymentView): string {
  const parts = [`${counts.ready} ready`];
  if (counts.starting > 0) parts.push(`+${counts.starting} starting`);
  if (counts.draining > 0) parts.push(`${counts.draining} draining`);
  if (counts.failed > 0) parts.push(`${counts.failed} failed`);
  if (desired !== counts.ready) parts.push(`of ${desired} desired`);
  return parts.join(' ');
}

function loadText({ load }: DeploymentView, figure: string, style: StatusStyle): string {
  if (load.ageMs === null) return 'no data';
  return load.ageMs > freshMs ? style.dim(`${figure} (${age(load.ageMs)} old)`) : figure;
}

function latencyText({ load, sloP99Ms }: DeploymentView, style: StatusStyle): string {
  const measured = load.p99Ms === null ? style.dash : significant(load.p99Ms);
  if (sloP99Ms === null) return load.p99Ms === null ? style.dash : `${measured} ms`;
  const text = `${measured} / ${significant(sloP99Ms)} ms`;
  return load.p99Ms !== null && load.p99Ms > sloP99Ms ? style.red(`${text} missed`) : text;
}

function stateText(deployment: DeploymentView, style: StatusStyle): string {
  const reason = deployment.reason === undefined ? '' : `: ${deployment.reason}`;
  return paintState(deployment, style) + reason;
}

function paintState(deployment: DeploymentView, style: StatusStyle): string {
  const paint = { serving: style.green, starting: style.yellow, updating: style.yellow, degraded: style.red };
  const colour =
    deployment.state === 'failed'
      ? style.red
      : deployment.state === 'idle' || deployment.state === 'asleep'
        ? style.dim
        : paint[deployment.state];
  return colour(deployment.state);
}

/** What the table has no room for: notes, why something does not serve, limits, overrides, warnings. */
function remarks(status: StatusView, deployments: readonly DeploymentView[], style: StatusStyle): string {
  const lines: string[] = [];
  const isOne = deployments.length === 1 && status.deployments.length > 1;
  const said = new Set<string>();
  for (const { name, note, state, reason, replicas, governor } of deployments) {
    const limits = replicas.map((each) => each.limits).find((each) => each !== 'none');
    const unenforced = limits !== undefined && limits !== 'enforced';
    const facts = [note, unenforced || limits === undefined ? undefined : 'resource limits enforced'];
    const known = facts.filter((fact) => fact !== undefined);
    if (known.length > 0) lines.push(`  ${name}: ${known.join('; ')}`);
    if (unenforced) lines.push(`! ${name}: resource limits are ${limits}`);
    if (reason !== undefined) lines.push(`! ${name}: ${state}: ${reason}`);
    if (governor?.room !== undefined) lines.push(`! ${name}: ${governor.room}`);
    said.add(`${name}: ${reason ?? state}`).add(`${name}: resource limits are ${limits}`);
  }
  for (const { id, deployment, from, to, reason } of status.governor?.approvals ?? []) {
    if (!isOne || deployments.some(({ name }) => name === deployment))
      lines.push(`! ${deployment} waits for approval: ${from} ${style.arrow} ${to}, ${reason}: flyball approve ${id}`);
  }
  for (const override of status.overrides) {
    const [, of = ''] = /^(?:deployments|models)\.([^.]+)/.exec(override.path) ?? [];
    if (!isOne || deployments.some(({ name, model }) => name === of || model.split(/[@:]/)[0] === of))
      lines.push(`! ${overrideText(override, status.at)}`);
  }
  const names = new Set(deployments.map(({ name }) => name));
  for (const warning of status.warnings) {
    const about = status.deployments.find(({ name }) => warning.startsWith(`${name}: `));
    if (!said.has(warning) && (about === undefined || names.has(about.name))) lines.push(`! ${warning}`);
  }
  const fit = (line: string): string => (style.columns === undefined ? line : wrap(line, style.columns, 4));
  return lines.map((line) => `${line.startsWith('!') ? style.yellow(fit(line)) : fit(line)}\n`).join('');
}
