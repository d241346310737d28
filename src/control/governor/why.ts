/**
 * Why a deployment has the replicas that it has: the decision of now, or the one that was in force at an earlier
 * moment, whole. It reads what the governor and the journal hold, and decides nothing.
 */
import type { DeploymentGovernor, WhyView } from '../../api/schemas.ts';
import type { OutlookView } from '../../core/forecasting/outlook-view.ts';
import type { Decision } from '../../core/scaling/decide.ts';
import { stillnessOf } from '../../core/scaling/stillness.ts';
import type { Store } from '../../store/store.ts';
import type { Deployment } from '../deployments.ts';
import type { Approvals } from './approvals.ts';
import type { DecisionDetails, Done } from './governed.ts';
import type { Foreseeing } from './foreseeing.ts';
import type { Governor } from './governor.ts';
import { toInputs } from './inputs.ts';
import type { MetricPolling } from '../metrics/polling.ts';
import type { Modes } from './modes.ts';
import { spendingOf } from './spending.ts';

export interface WhyParts {
  readonly governor: Governor;
  readonly modes: Modes;
  readonly approvals: Approvals;
  readonly store: Store;
  readonly metrics: Pick<MetricPolling, 'failures'>;
  readonly foreseeing: Pick<Foreseeing, 'kept' | 'ask'>;
}

const toView = ({ raw, chain, ...decision }: KeptDecision): NonNullable<WhyView['decision']> => ({
  ...decision,
  ...(raw !== undefined && { raw }),
  ...(chain !== undefined && { chain: [...chain] }),
  said: [...decision.said],
  cuts: [...decision.cuts],
  unsound: [...decision.unsound],
});

/** Entries of an earlier release have neither. */
type KeptDecision = Omit<Decision, 'raw' | 'chain'> & Partial<Pick<Decision, 'raw' | 'chain'>>;

function stillnessView(decision: KeptDecision, done: Done): Pick<WhyView, 'still'> {
  const { raw, chain } = decision;
  const still = raw === undefined || chain === undefined ? undefined : stillnessOf({ ...decision, raw, chain }, done);
  return still === undefined ? {} : { still };
}

const toForecasts = ({ horizons, ...view }: OutlookView): NonNullable<WhyView['forecasts']> => ({
  ...view,
  horizons: horizons.map((horizon) => ({ ...horizon, forecasters: [...horizon.forecasters] })),
});

/** `next`: what comes next, where it has just been asked for. */
export function governorView(
  deployment: Deployment,
  parts: Omit<WhyParts, 'store' | 'metrics'>,
  next = parts.foreseeing.kept(deployment),
): DeploymentGovernor {
  const { governor, modes, approvals } = parts;
  const own = governor.of(deployment.name);
  const { mode, reason: modeReason, by } = modes.of(deployment);
  const approval = approvals.of(deployment.name);
  const last = own?.last;
  const arrivals = last?.seen.signals.arrivals;
  const changed = own?.changed;
  const budget = spendingOf(deployment, own);
  const room = last?.room && last.thought.describe().cuts.find(({ stage }) => stage === 'room')?.reason;
  return {
    mode,
    modeBy: by,
    modeReason,
    ...(last === undefined
      ? {}
      : {
          policy: own?.mind?.choice.policy ?? 'none',
          target: last.thought.target,
          at: last.wallMs,
          done: last.done.kind,
          why: last.done.why,
          ...(last.doubt === undefined || !last.doubtful ? {} : { doubt: last.doubt }),
          ...(last.thought.unsound.length === 0 ? {} : { unsound: last.thought.unsound.join('; ') }),
          ...(last.seen.foresight === undefined ? {} : { forecast: last.seen.foresight }),
          ...(arrivals === undefined || arrivals.kind === 'absent'
            ? {}
            : { requestsPerSecond: (arrivals.value * 1000) / last.seen.spanMs }),
        }),
    ...(changed === undefined
      ? {}
      : {
          decision: {
            at: changed.at,
            from: changed.decision.held,
            to: changed.decision.target,
            done: changed.done.kind,
            reason: changed.decision.reason,
          },
        }),
    ...(approval === undefined ? {} : { approval: approval.id }),
    ...(room === undefined ? {} : { room }),
    ...(budget === undefined ? {} : { budget }),
    ...(next === undefined ? {} : { next }),
  };
}

export async function whyNow(deployment: Deployment, parts: WhyParts): Promise<WhyView> {
  const { governor, modes, store } = parts;
  const { name, record, wakefulness } = deployment;
  const { min, max } = record.specification.replicas;
  const own = governor.of(name);
  const told = governorView(deployment, parts, await parts.foreseeing.ask(deployment));
  const base = { deployment: name, governor: told, desired: record.desired, min, max };
  const change = (await store.journal({ subject: name, kind: 'decision', newestFirst: true, limit: 50 })).find(
    ({ details }) => (details as DecisionDetails | undefined)?.done?.kind === 'moved',
  );
  const halt = modes.halt(name);
  const more = {
    ...(halt === undefined ? {} : { halt }),
    ...(change === undefined
      ? {}
      : { change: { id: change.id, at: change.at, action: change.action, reason: change.reason } }),
    ...(own?.verdict === undefined ? {} : { verdict: own.verdict }),
  };
  const last = own?.last;
  if (last === undefined) {
    const asleep = wakefulness.kind === 'asleep' ? 'it sleeps; the next request wakes it' : undefined;
    const fixed = max <= Math.max(1, min) ? `its size is fixed: the bounds are ${min} to ${max}` : undefined;
    return { ...base, ...more, ungoverned: asleep ?? fixed ?? 'it has not been looked at yet' };
  }
  return {
    ...base,
    ...more,
    at: last.wallMs,
    done: last.done,
    ...stillnessView(last.thought.describe(), last.done),
    decision: toView(last.thought.describe()),
    inputs: toInputs(last.seen),
    ...metricsView(deployment, parts.metrics),
    others: [...last.thought.others()],
    ...(own?.forecasts === undefined ? {} : { forecasts: toForecasts(own.forecasts.view()) }),
    ...(own?.setPoints === undefined ? {} : { setPoint: own.setPoints.view() }),
  };
}

/** What is asked of other systems: what it means, and why there is no answer where there is none. */
function metricsView(deployment: Deployment, metrics: WhyParts['metrics']): Pick<WhyView, 'metrics'> {
  const asked = Object.entries(deployment.record.specification.scaling?.metrics ?? {});
  if (asked.length === 0) return {};
  const failures = metrics.failures(deployment);
  const views = asked.map(([name, { perReplica }]) => {
    const means = perReplica === undefined ? 'multiplies the load' : `${perReplica} a replica`;
    const failure = failures[name];
    return [name, { means, ...(failure === undefined ? {} : { failure }) }] as const;
  });
  return { metrics: Object.fromEntries(views) };
}

/** What the journal says of that moment: the last that was decided by then. */
export async function whyThen(deployment: Deployment, at: number, parts: WhyParts): Promise<WhyView> {
  const { name, record } = deployment;
  const { min, max } = record.specification.replicas;
  const base = { deployment: name, governor: governorView(deployment, parts), desired: record.desired, min, max };
  const found = (
    await parts.store.journal({ subject: name, kind: 'decision', until: at, newestFirst: true, limit: 50 })
  ).find(({ details }) => (details as DecisionDetails | undefined)?.decision !== undefined);
  if (found === undefined) return { ...base, ungoverned: 'the journal holds no decision of that time or before' };
  const { done, decision, inputs, others, forecasts, setPoint } = found.details as DecisionDetails;
  const verdict = (await parts.store.journal({ subject: name, kind: 'decision', after: found.id, limit: 50 })).find(
    ({ details }) => (details as { readonly of?: number } | undefined)?.of === found.id,
  );
  return {
    ...base,
    at: found.at,
    entry: found.id,
    done,
    ...stillnessView(decision, done),
    decision: toView(decision),
    inputs,
    others: [...others],
    ...(forecasts === undefined ? {} : { forecasts: toForecasts(forecasts) }),
    ...(setPoint === undefined ? {} : { setPoint }),
    ...(verdict === undefined
      ? {}
      : { verdict: { kind: verdict.action, reason: verdict.reason, at: verdict.at, entry: found.id } }),
  };
}
