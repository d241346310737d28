/**
 * Why a deployment has the replicas that it has, as text for people: one line a stage, in the order in which they pass.
 * What is absent is said to be unknown, and never a zero. Pure.
 */
import type { WhyView } from '../api/schemas.ts';
import { nextLine } from '../api/next-text.ts';
import { whyNot } from '../api/why-not.ts';
import type { StatusStyle } from './status-text.ts';
import { age, clockTime, milliseconds, rate, significant } from '../units.ts';
import { wrap } from './wrap.ts';

type Inputs = NonNullable<WhyView['inputs']>;
type Signal = Inputs['signals'][string];

const indent = 12;

export function whyText(why: WhyView, style: StatusStyle): string {
  const lines = [style.bold(headOf(why, style))];
  const add = (name: string, text: string): void => {
    const line = `  ${name.padEnd(indent - 2)}${text.replaceAll('→', style.arrow)}`;
    lines.push(style.columns === undefined ? line : wrap(line, style.columns, indent));
  };
  const { decision, inputs, governor, halt } = why;
  if (why.ungoverned !== undefined) add('decision', why.ungoverned);
  if (inputs !== undefined) {
    add('observed', observedText(inputs));
    for (const line of externalLines(why)) add('signal', line);
    add(
      'objective',
      `${milliseconds(inputs.objective.latencyMs)}, given up after ${milliseconds(inputs.objective.deadlineMs)}`,
    );
    const capacity = capacityText(inputs);
    if (capacity !== undefined) add('capacity', capacity);
    add('lag', lagText(inputs));
  }
  for (const line of forecastLines(why.forecasts)) add('forecast', line);
  if (why.setPoint !== undefined) add('set-point', setPointText(why.setPoint));
  if (decision !== undefined) {
    for (const { policy, target, reason, doubt } of decision.said) {
      add(
        'proposed',
        `${policy} ${target ?? 'nothing'}: ${reason}${doubt === undefined ? '' : ` (in doubt: ${doubt})`}`,
      );
    }
    if (decision.by !== decision.said[0]?.policy)
      add('agreed on', `${decision.wished}, by ${decision.by}: ${decision.reason}`);
    if (decision.cuts.length === 0) add('cut by', `nothing (bounds ${why.min} to ${why.max})`);
    for (const cut of decision.cuts) add('cut by', `${cut.stage}: ${cut.from} → ${cut.to}, ${cut.reason}`);
    for (const { question, answer } of whyNot(why)) add(question, answer);
  }
  if (why.done !== undefined) add('done', `${doneWords[why.done.kind]}: ${why.done.why}`);
  add('mode', `${governor.mode}, by ${governor.modeBy}: ${governor.modeReason}`);
  if (halt !== undefined) add('halted', `by ${halt.by}: ${halt.reason}`);
  if (why.change !== undefined) {
    const { id, at, action, reason } = why.change;
    add('changed', `${action} at ${clockTime(at)} (entry ${id}): ${reason}`);
  }
  if (governor.next !== undefined && why.entry === undefined) add('next', nextLine(governor.next, governor.next.asOf));
  if (why.verdict !== undefined)
    add('result', `${why.verdict.kind}: ${why.verdict.reason} (entry ${why.verdict.entry})`);
  if (why.others !== undefined) {
    add('others', why.others.map(({ policy, target }) => `${policy} ${target ?? 'nothing'}`).join(' · '));
  }
  const entry = why.entry ?? why.change?.id;
  if (entry !== undefined) add('replay', `flyball journal replay ${entry}`);
  return `${lines.join('\n')}\n`;
}

const doneWords = {
  held: 'nothing',
  advised: 'nothing, only advised',
  asked: 'nothing yet',
  moved: 'the target was changed',
  refused: 'nothing',
} as const;

function headOf({ deployment, decision, desired, at, entry }: WhyView, style: StatusStyle): string {
  const when = at === undefined ? '' : ` at ${clockTime(at)}`;
  const which = entry === undefined ? '' : ` (entry ${entry})`;
  if (decision === undefined) return `${deployment}: ${desired} wanted`;
  const { held, target } = decision;
  return held === target
    ? `${deployment}: ${held} ${held === 1 ? 'replica' : 'replicas'} wanted${when}${which}`
    : `${deployment}: ${held} ${style.arrow} ${target} replicas${when}${which}`;
}

/** What is reckoned with at each horizon, then what each forecaster says of the one that the policy is told of. */
function forecastLines(forecasts: WhyView['forecasts']): string[] {
  if (forecasts === undefined) return [];
  const perSecond = (value: number | null): string => (value === null ? 'unknown' : `${rate(value)} req/s`);
  const horizons = forecasts.horizons.map(({ seconds, perSecond: value, by, authority }) =>
    by === null
      ? `in ${seconds} s as now, ${perSecond(value)}`
      : `in ${seconds} s ${perSecond(value)} by "${by}", believed to ${percent(authority)}`,
  );
  const each = (forecasts.horizons[0]?.forecasters ?? []).map(
    ({ name, perSecond: value, low, high, authority, why }) => {
      const range = low === null || high === null ? '' : ` (${rate(low)} to ${rate(high)})`;
      return `"${name}" ${value === null ? 'nothing' : `${perSecond(value)}${range}`}, believed to ${percent(authority)}: ${why}`;
    },
  );
  return [horizons.join('; '), ...each];
}

function setPointText({ model, quantile, problem }: NonNullable<WhyView['setPoint']>): string {
  const says = quantile === null ? 'nothing' : `${significant(100 * quantile)} % of growth`;
  return `model ${model} says ${says}${problem === undefined ? '' : `: ${problem}`}`;
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;

function signalText(signal: Signal | undefined, text: (value: number) => string): string {
  if (signal === undefined || signal.value === null) return 'unknown';
  if (signal.kind === 'stale') return `${text(signal.value)} (${age(signal.ageMs ?? 0)} old)`;
  return signal.kind === 'contradictory' ? `${text(signal.value)} (sources disagree)` : text(signal.value);
}

function observedText({ signals, spanMs, fleet }: Inputs): string {
  const perSecond = 1000 / spanMs;
  const parts = [
    signalText(signals['arrivals'], (value) => `${rate(value * perSecond)} req/s`),
    signalText(signals['inFlight'], (value) => `${Math.round(value)} in flight`),
    `queue ${signalText(signals['queued'], String)}`,
    `late ${signalText(signals['late'], String)}`,
    `p99 ${signalText(signals['p99Ms'], milliseconds)}`,
    `CPU ${signalText(signals['cpu'], (value) => `${Math.round(100 * value)} %`)}`,
    `${fleet.ready} ready${fleet.starting > 0 ? ` +${fleet.starting} starting` : ''}`,
  ];
  const age_ = signals['arrivals']?.ageMs;
  return `${parts.join(', ')}${typeof age_ === 'number' ? ` (${age(age_)} old)` : ''}`;
}

/** Figures from outside, one a line: what they say, what they mean, and why they say nothing. */
function externalLines({ inputs, metrics = {} }: WhyView): string[] {
  return Object.entries(inputs?.external ?? {}).map(([name, signal]) => {
    const { means, failure } = metrics[name] ?? {};
    const of = signalText(signal, significant);
    const old = signal.kind === 'fresh' && signal.ageMs !== null ? ` (${age(signal.ageMs)} old)` : '';
    return [
      `${name} ${of}${old}`,
      ...(means === undefined ? [] : [means]),
      ...(failure === undefined ? [] : [failure]),
    ].join(', ');
  });
}

function capacityText({ signals, capacity, fleet }: Inputs): string | undefined {
  const service = signals['serviceMs'];
  const known = Object.entries(capacity).map(([count, value]) => `${count} hold ${rate(value)}/s`);
  if (service?.value == null && known.length === 0) return undefined;
  const one = service?.value == null ? [] : [`a request takes ${significant(service.value)} ms of a replica`];
  const near = known.filter((_, index) => index < 4);
  return [
    ...one,
    ...(near.length > 0 ? [`measured: ${near.join(', ')}`] : [`not measured under load at ${fleet.ready}`]),
  ].join('; ');
}

function lagText({ lag }: Inputs): string {
  const stages = Object.entries(lag).filter(([, value]) => value > 0);
  const total = stages.reduce((sum, [, value]) => sum + value, 0);
  return `${stages.map(([stage, value]) => `${stage} ${significant(value / 1000)}`).join('  ')}  = ${significant(total / 1000)} s`;
}
