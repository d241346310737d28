/**
 * Rehearsals that were made of a deployment here, kept so that somebody may arm it by one. What a rehearsal says is what
 * the command that made it has reported; control computes none.
 */
import { createHash } from 'node:crypto';
import type { RehearsalRequest, RehearsalView } from '../api/rehearsal-schemas.ts';
import type { Clock } from '../clock.ts';
import { canonicalJson } from '../config/canonical-json.ts';
import { judgeRehearsal } from '../core/scaling/arming.ts';
import { FlyballError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { publish } from '../telemetry/events.ts';
import type { ControlService } from './control-service.ts';
import type { Deployment, Deployments } from './deployments.ts';
import { armedOf } from './governor/settings.ts';

const keptMax = 100;
const idLength = 8;

/** The same rehearsal of the same deployment, however long it took and whoever made it. */
function idOf(deployment: string, request: RehearsalRequest): string {
  const { report } = request;
  const content = canonicalJson({ ...request, deployment, by: null, report: { ...report, wallSeconds: 0 } });
  return createHash('sha256').update(content).digest('hex').slice(0, idLength);
}

export function rehearsalService(
  store: Store,
  deployments: Pick<Deployments, 'get'>,
  clock: Clock,
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
    rehearsal: (id) => rehearsalNamed(store, id),
  };
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
}

const percent = (fraction: number): string => `${Number((fraction * 100).toPrecision(3))} %`;

/**
 * The rehearsal as a reason to arm the deployment, in words and as the journal keeps it. REHEARSAL_NOT_FOUND,
 * REHEARSAL_UNFIT: also where it was not passed, unless somebody says why all the same.
 */
export async function reasonOf(
  store: Store,
  id: string,
  deployment: Deployment,
  at: number,
  ownReason: string | undefined,
  /** The objective by which it is governed now, where one is known. */
  measuredMs?: number,
): Promise<{ readonly words: string; readonly summary: RehearsalSummary }> {
  const rehearsal = await rehearsalNamed(store, id);
  const { policies, trace, requests } = rehearsal.report;
  const armed = armedOf(deployment.name, deployment.record.specification, measuredMs);
  const verdict = judgeRehearsal({ ...rehearsal, policies }, armed, at);
  const unfit = (problem: string): FlyballError => new FlyballError('REHEARSAL_UNFIT', `rehearsal ${id}: ${problem}`);
  if (verdict.kind === 'unfit') throw unfit(verdict.problem);
  const own = policies.find((one) => one === verdict.policy);
  if (own === undefined) throw new FlyballError('INTERNAL', `rehearsal ${id} has lost ${armed.policy}`);
  const { tolerated } = rehearsal;
  const missed = `${own.name} missed ${percent(own.violationFraction)} of ${requests} requests of ${trace}`;
  if (!verdict.passed && ownReason === undefined)
    throw unfit(`${missed}, where ${percent(tolerated)} might be; give a reason beside it to arm it all the same`);
  const { name: policy, violationFraction, replicaSeconds, cost, parameters } = own;
  const of = { rehearsal: id, at: rehearsal.at, by: rehearsal.by, trace, requests, policy, parameters };
  const { passed } = verdict;
  return {
    words: `rehearsal ${id}: ${missed}`,
    summary: { ...of, violationFraction, tolerated, replicaSeconds, cost, passed },
  };
}
