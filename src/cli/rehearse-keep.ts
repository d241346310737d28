/** Leaves what came of a rehearsal on the platform that it is about, so that a mode may rest on it, and says whether it may. */
import { armedOf } from '../control/governor/settings.ts';
import { coreFingerprint } from '../core-fingerprint.ts';
import { judgeRehearsal, type Rehearsed as Judged } from '../core/scaling/arming.ts';
import { FlyballError } from '../errors.ts';
import { toKeep } from '../rehearsal/keep/keep.ts';
import type { Rehearsed } from '../rehearsal/report/compare.ts';
import { percent } from '../rehearsal/report/verdict.ts';
import { caller } from './connect.ts';
import type { Invocation } from './declaration.ts';
import type { RehearsePlan } from './rehearse-plan.ts';
import type { Subject } from './rehearse-subject.ts';
import { columnsOf, wrap } from './wrap.ts';

/** Its id; undefined where it is about no platform, or that keeps it not. */
export async function keepRehearsal(
  { terminal, signal }: Invocation,
  plan: RehearsePlan,
  rehearsed: Rehearsed,
): Promise<string | undefined> {
  const { subject } = plan;
  const { running, isAsRuns } = subject;
  if (running === undefined) return undefined;
  const { client, deployment } = running;
  const say = (words: string): void => {
    terminal.stderr.write(`${wrap(`  ${words}`, columnsOf(terminal.stderr), 2)}\n`);
  };
  if (!isAsRuns) {
    say(`not kept on the platform: it is of another specification than ${deployment} has there`);
    return undefined;
  }
  const { specification } = subject;
  const build = await coreFingerprint();
  const request = toKeep(plan, rehearsed, { specification, by: caller(terminal.env), build });
  try {
    const { id } = await client.keepRehearsal(deployment, request, signal);
    const objection = objectionTo({ ...request, policies: rehearsed.report.policies, deployment, at: 0 }, subject);
    say(
      objection === undefined
        ? `kept as rehearsal ${id}: flyball mode ${deployment} auto --rehearsal ${id}`
        : `kept as rehearsal ${id}, which does not arm ${deployment}: ${objection}`,
    );
    return id;
  } catch (error) {
    // What was computed is worth showing, whether or not the platform keeps it.
    if (!(error instanceof FlyballError)) throw error;
    say(`not kept on the platform: ${error.message}`);
    return undefined;
  }
}

/** Why it is no reason to let the deployment's own policy act by itself, as the platform will see it. */
function objectionTo(rehearsed: Judged, { specification, running }: Subject): string | undefined {
  if (specification === undefined) return undefined;
  const armed = armedOf(rehearsed.deployment, specification, running?.why.inputs?.objective.latencyMs);
  const verdict = judgeRehearsal(rehearsed, armed, rehearsed.at);
  if (verdict.kind === 'unfit') return verdict.problem;
  const missed = percent(verdict.policy.violationFraction);
  return verdict.passed
    ? undefined
    : `${armed.policy} missed ${missed}, where ${percent(rehearsed.tolerated)} might be, without a reason beside it`;
}
