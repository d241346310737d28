/**
 * A cycle of the governor as a trace, made of its entry in the journal: what it observed, predicted, proposed, reconciled,
 * constrained and executed, and, once there is a verdict, whether it helped. Ids follow from the entry's hash, so the
 * verdict of much later finds its trace. Observing has the length of the window that was looked at, and verifying that of
 * the wait for an effect; the stages between are one computation of a millisecond or so and have no length of their own. A
 * stage that was not come to has no span: nothing was predicted, or nothing was to be done.
 */
import type { JournalEntry } from '../../journal/entry.ts';
import { toSpan, type OtlpSpan, type SpanParts } from '../../telemetry/otlp/span.ts';
import { derivedSpanId, type AttributeValue } from '../../telemetry/otlp/values.ts';
import type { DecisionDetails } from '../governor/governed.ts';

type Attributes = Readonly<Record<string, AttributeValue>>;

const traceIdOf = ({ hash }: Pick<JournalEntry, 'hash'>): string => hash.slice(0, 32);
const rootIdOf = ({ hash }: Pick<JournalEntry, 'hash'>): string => derivedSpanId('cycle', hash);

/** Empty for entries that hold no decision. */
export function cycleSpans(entry: JournalEntry): OtlpSpan[] {
  const details = entry.details as Partial<DecisionDetails> | undefined;
  const { decision, inputs, done, forecasts } = details ?? {};
  if (entry.kind !== 'decision' || decision === undefined || inputs === undefined || done === undefined) return [];
  const { at } = entry;
  const traceId = traceIdOf(entry);
  const root = rootIdOf(entry);
  const observedFrom = at - inputs.spanMs;
  const stage = (name: string, attributes: Attributes, more: Partial<SpanParts> = {}): OtlpSpan =>
    toSpan({
      traceId,
      spanId: derivedSpanId(name, entry.hash),
      parentId: root,
      name,
      from: at,
      to: at,
      attributes,
      ...more,
    });
  const [ahead] = forecasts?.horizons ?? [];
  return [
    toSpan({
      traceId,
      spanId: root,
      name: `govern ${entry.subject}`,
      from: observedFrom,
      to: at,
      attributes: {
        'flyball.deployment': entry.subject,
        'flyball.journal.entry': entry.id,
        'flyball.mode': details?.mode,
        'flyball.decision.held': decision.held,
        'flyball.decision.target': decision.target,
        'flyball.decision.by': decision.by,
        'flyball.decision.done': done.kind,
        'flyball.decision.why': done.why,
        'flyball.decision.reason': entry.reason,
      },
    }),
    stage('observe', observedOf(inputs), { from: observedFrom }),
    ...(ahead === undefined
      ? []
      : [
          stage('predict', {
            'flyball.forecast.seconds': ahead.seconds,
            'flyball.forecast.per_second': ahead.perSecond ?? undefined,
            'flyball.forecast.by': ahead.by ?? undefined,
            'flyball.forecast.authority': ahead.authority,
          }),
        ]),
    stage(
      'propose',
      { 'flyball.proposals': decision.said.length },
      {
        events: decision.said.map(({ policy, target, reason, doubt }) => ({
          name: 'proposal',
          attributes: {
            'flyball.policy': policy,
            'flyball.proposal.target': target ?? undefined,
            'flyball.proposal.reason': reason,
            'flyball.proposal.doubt': doubt,
          },
        })),
      },
    ),
    stage('reconcile', {
      'flyball.wished': decision.wished,
      'flyball.by': decision.by,
      'flyball.reason': decision.reason,
    }),
    stage(
      'constrain',
      { 'flyball.decision.target': decision.target, 'flyball.cuts': decision.cuts.length },
      {
        events: decision.cuts.map(({ stage: by, from, to, reason }) => ({
          name: 'cut',
          attributes: {
            'flyball.cut.by': by,
            'flyball.cut.from': from,
            'flyball.cut.to': to,
            'flyball.cut.reason': reason,
          },
        })),
      },
    ),
    ...(done.kind === 'held' || done.kind === 'advised'
      ? []
      : [stage('execute', { 'flyball.decision.done': done.kind, 'flyball.decision.why': done.why })]),
  ];
}

/** Of which entry a verdict speaks; undefined for what is none. */
export function verdictOn(entry: JournalEntry): number | undefined {
  const { of } = (entry.details ?? {}) as { readonly of?: unknown };
  return entry.kind === 'decision' && typeof of === 'number' ? of : undefined;
}

export function verifySpan(verdict: JournalEntry, decision: JournalEntry): OtlpSpan {
  return toSpan({
    traceId: traceIdOf(decision),
    spanId: derivedSpanId('verify', decision.hash),
    parentId: rootIdOf(decision),
    name: 'verify',
    from: decision.at,
    to: verdict.at,
    attributes: {
      'flyball.deployment': verdict.subject,
      'flyball.journal.entry': verdict.id,
      'flyball.verdict': verdict.action,
      'flyball.verdict.reason': verdict.reason,
    },
  });
}

function observedOf({ fleet, signals, min, max, objective }: DecisionDetails['inputs']): Attributes {
  const seen = Object.entries(signals).flatMap(([name, { kind, value, ageMs }]): [string, AttributeValue][] => [
    [`flyball.signal.${name}`, value ?? undefined],
    [`flyball.signal.${name}.state`, kind],
    [`flyball.signal.${name}.age_ms`, ageMs ?? undefined],
  ]);
  return {
    'flyball.replicas.target': fleet.target,
    'flyball.replicas.ready': fleet.ready,
    'flyball.replicas.starting': fleet.starting,
    'flyball.replicas.min': min,
    'flyball.replicas.max': max,
    'flyball.objective_ms': objective.latencyMs,
    ...Object.fromEntries(seen),
  };
}
