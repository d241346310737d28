/** Leaves what came of a rehearsal on the platform that it is about, so that a mode may rest on it, and says whether it may. */
import type { RehearsalRequest } from '../api/rehearsal-schemas.ts';
import { armedOf, restraintsOf } from '../control/governor/settings.ts';
import { judgeRehearsal, type Rehearsed } from '../core/scaling/arming.ts';
import { FlyballError } from '../errors.ts';
import type { Report } from '../rehearsal/report/compare.ts';
import { percent } from '../rehearsal/report/verdict.ts';
import { caller } from './connect.ts';
import type { Invocation } from './declaration.ts';
import type { RehearsePlan } from './rehearse-plan.ts';
import type { Subject } from './rehearse-subject.ts';
import { columnsOf, wrap } from './wrap.ts';

const settingMax = 2000;

/** Its id; undefined where it is about no platform, or that keeps it not. */
export async function keepRehearsal(
  { terminal, signal }: Invocation,
  { scenario, tolerated, text, subject }: RehearsePlan,
  report: Report,
  sentences: readonly string[],
): Promise<string | undefined> {
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
  const { min, max, latencyMs, deadlineMs } = scenario;
  const { specification } = subject;
  const rehearsed = {
    min,
    max,
    tolerated,
    objective: { latencyMs, deadlineMs },
    ...(specification !== undefined && { constraints: restraintsOf(specification) }),
  };
  const setting = text.slice(0, settingMax);
  const by = caller(terminal.env);
  const request = { ...rehearsed, setting, verdict: [...sentences], report: reportOf(report), by };
  try {
    const { id } = await client.keepRehearsal(deployment, request, signal);
    const objection = objectionTo({ ...rehearsed, deployment, at: 0, policies: report.policies }, subject);
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
function objectionTo(rehearsed: Rehearsed, { specification, running }: Subject): string | undefined {
  if (specification === undefined) return undefined;
  const armed = armedOf(rehearsed.deployment, specification, running?.why.inputs?.objective.latencyMs);
  const verdict = judgeRehearsal(rehearsed, armed, rehearsed.at);
  if (verdict.kind === 'unfit') return verdict.problem;
  const missed = percent(verdict.policy.violationFraction);
  return verdict.passed
    ? undefined
    : `${armed.policy} missed ${missed}, where ${percent(rehearsed.tolerated)} might be, without a reason beside it`;
}

const reportOf = (report: Report): RehearsalRequest['report'] => ({
  ...report,
  policies: report.policies.map((policy) => ({ ...policy, parameters: { ...policy.parameters } })),
});
