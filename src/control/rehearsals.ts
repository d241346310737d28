/**
 * Rehearsals that were made of a deployment here, kept so that somebody may arm it by one. What one says that a command
 * has made is what that has reported; those that control makes itself come of rehearsal-runs.ts.
 */
import { createHash } from 'node:crypto';
import type { RehearsalArming, RehearsalRequest, RehearsalView } from '../api/rehearsal-schemas.ts';
import type { ModeView } from '../api/schemas.ts';
import type { Clock } from '../clock.ts';
import { canonicalJson } from '../config/canonical-json.ts';
import { judgeRehearsal, type RehearsedPolicy } from '../core/scaling/arming.ts';
import { FlyballError } from '../errors.ts';
import { labelOf, percent } from '../rehearsal/report/verdict.ts';
import type { Store } from '../store/store.ts';
import { publish } from '../telemetry/events.ts';
import type { ControlService } from './control-service.ts';
import type { Deployment, Deployments } from './deployments.ts';
import { armedOf, policyOf } from './governor/settings.ts';

const keptMax = 100;
const idLength = 8;

/** The same rehearsal of the same deployment, however long it took and whoever made it. */
function idOf(deployment: string, request: RehearsalRequest): string {
  const { report } = request;
  const content = canonicalJson({ ...request, deployment, by: null, report: { ...report, wallSeconds: 0 } });
  return createHash('sha256').update(content).digest('hex').slice(0, idLength);
}

/** What the platform is, for whoever asks whether a rehearsal is of it. */
export interface RehearsalTerms {
  /** Digest of the decision code that runs (core-fingerprint.ts). */
  readonly build: string;
  readonly modeOf: (deployment: Deployment) => ModeView['mode'];
  /** The objective by which it is governed now, where one is known, milliseconds. */
  readonly measuredMsOf: (deployment: string) => number | undefined;
}

/** What a rehearsal is held against. */
export interface ArmingTerms {
  readonly at: number;
  readonly build: string;
  readonly measuredMs: number | undefined;
}

export function rehearsalService(
  store: Store,
  deployments: Pick<Deployments, 'get' | 'find'>,
  clock: Clock,
  terms: RehearsalTerms,
): Pick<ControlService, 'keepRehearsal' | 'rehearsals' | 'rehearsal' | 'deploymentSpecification'> {
  return {
    deploymentSpecification: async (name) => deployments.get(name).record.specification,
    async keepRehearsal(deployment, request) {
      deployments.get(deployment);
      const record = { ...request, deployment, id: idOf(deployment, request), at: clock.wall() };
      await store.transaction(async (access) => {
        await access.putRehearsal(record);
        await access.pruneRehearsals(keptMax);
      });
      const reason = `${record.id}: ${request.setting}`;
      publish('flyball:control', { action: 'keep rehearsal', subject: deployment, by: request.by, reason });
      return record;
    },
    async rehearsals(query) {
      if (query.deployment !== undefined) deployments.get(query.deployment);
      return store.rehearsals(query);
    },
    async rehearsal(id) {
      const found = await rehearsalNamed(store, id);
      return { ...found, arming: armingOf(found, deployments.find(found.deployment), clock.wall(), terms) };
    },
  };
}

/** Whether a mode may rest on it now, before anybody tries. */
function armingOf(
  rehearsal: RehearsalView,
  deployment: Deployment | undefined,
  at: number,
  { build, modeOf, measuredMsOf }: RehearsalTerms,
): RehearsalArming {
  if (deployment === undefined)
    return { kind: 'unfit', words: [`there is no deployment ${rehearsal.deployment} any more`], build };
  const { policy, parameters } = policyOf(deployment.record.specification);
  const of = { build, mode: modeOf(deployment), policy: labelOf({ name: policy, parameters }) };
  const judged = judge(rehearsal, deployment, { at, build, measuredMs: measuredMsOf(deployment.name) });
  if (judged.kind === 'unfit') return { ...of, kind: 'unfit', words: [judged.problem] };
  const { doubts, missed } = judged;
  return doubts.length > 0 ? { ...of, kind: 'doubtful', words: doubts } : { ...of, kind: 'fits', words: [missed] };
}

type Judged =
  | { readonly kind: 'unfit'; readonly problem: string }
  | {
      readonly kind: 'fits';
      readonly policy: RehearsedPolicy;
      readonly passed: boolean;
      /** What its policy did, in words. */
      readonly missed: string;
      /** Why somebody has to say a reason beside it. */
      readonly doubts: string[];
    };

function judge(rehearsal: RehearsalView, deployment: Deployment, { at, build, measuredMs }: ArmingTerms): Judged {
  const { policies, trace, requests } = rehearsal.report;
  const { tolerated } = rehearsal;
  const armed = { ...armedOf(deployment.name, deployment.record.specification, measuredMs), build };
  const verdict = judgeRehearsal({ ...rehearsal, policies }, armed, at);
  if (verdict.kind === 'unfit') return verdict;
  const { policy, passed, sameBuild } = verdict;
  const missed = `${policy.name} missed ${percent(policy.violationFraction)} of ${requests} requests of ${trace}`;
  const doubts = [
    ...(passed ? [] : [`${missed}, where ${percent(tolerated)} might be`]),
    ...(sameBuild
      ? []
      : [`it was made by the decision code ${rehearsal.build}, and the platform runs ${build}: rehearse again`]),
  ];
  return { kind: 'fits', policy, passed, missed, doubts };
}

async function rehearsalNamed(store: Store, id: string): Promise<RehearsalView> {
  const found = await store.rehearsal(id);
  if (found !== undefined) return found;
  throw new FlyballError(
    'REHEARSAL_NOT_FOUND',
    `there is no rehearsal ${id}; flyball rehearsals lists the last ${keptMax} that were made of deployments here`,
  );
}

/** What of a rehearsal the journal keeps with the mode that rests on it. */
export interface RehearsalSummary {
  readonly rehearsal: string;
  readonly at: number;
  readonly by: string;
  readonly trace: string;
  readonly requests: number;
  readonly policy: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly violationFraction: number;
  readonly tolerated: number;
  readonly replicaSeconds: number;
  readonly cost: number;
  readonly passed: boolean;
  /** Digest of the decision code that made it, where it says. */
  readonly build?: string;
}

/**
 * The rehearsal as a reason to arm the deployment, in words and as the journal keeps it. REHEARSAL_NOT_FOUND,
 * REHEARSAL_UNFIT: also where it was not passed, or made by other code, unless somebody says why all the same.
 */
export async function reasonOf(
  store: Store,
  id: string,
  deployment: Deployment,
  { ownReason, ...armed }: ArmingTerms & { readonly ownReason: string | undefined },
): Promise<{ readonly words: string; readonly summary: RehearsalSummary }> {
  const rehearsal = await rehearsalNamed(store, id);
  const judged = judge(rehearsal, deployment, armed);
  const unfit = (problem: string): FlyballError => new FlyballError('REHEARSAL_UNFIT', `rehearsal ${id}: ${problem}`);
  if (judged.kind === 'unfit') throw unfit(judged.problem);
  const { doubts, missed, passed } = judged;
  if (doubts.length > 0 && ownReason === undefined)
    throw unfit(`${doubts.join('; ')}; give a reason beside it to arm it all the same`);
  const { policies, trace, requests } = rehearsal.report;
  const own = policies.find((one) => one === judged.policy);
  if (own === undefined) throw new FlyballError('INTERNAL', `rehearsal ${id} has lost ${judged.policy.name}`);
  const { name: policy, violationFraction, replicaSeconds, cost, parameters } = own;
  const of = { rehearsal: id, at: rehearsal.at, by: rehearsal.by, trace, requests, policy, parameters };
  const { tolerated } = rehearsal;
  return {
    words: `rehearsal ${id}: ${missed}`,
    summary: {
      ...of,
      violationFraction,
      tolerated,
      replicaSeconds,
      cost,
      passed,
      ...(rehearsal.build !== undefined && { build: rehearsal.build }),
    },
  };
}
