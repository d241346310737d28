/** A rehearsal as it is kept on the platform that it is about: the figures, the lines, and by what it was made. Pure. */
import type { RehearsalRequest } from '../../api/rehearsal-schemas.ts';
import { restraintsOf } from '../../control/governor/settings.ts';
import type { Rehearsed } from '../report/compare.ts';
import { verdict } from '../report/verdict.ts';
import type { AskedOf } from '../plan/ask.ts';
import type { RehearsalPlan } from '../plan/plan.ts';
import { timelinesOf } from './timelines.ts';

const settingMax = 2000;

interface KeepTerms {
  readonly specification: AskedOf['specification'];
  readonly by: string;
  /** Digest of the decision code that ran it (core-fingerprint.ts). */
  readonly build: string;
}

export function toKeep(
  plan: Pick<RehearsalPlan, 'scenario' | 'tolerated' | 'text' | 'notes'>,
  rehearsed: Rehearsed,
  { specification, by, build }: KeepTerms,
): RehearsalRequest {
  const { scenario, tolerated, text, notes } = plan;
  const { report, outcomes } = rehearsed;
  const timelines = timelinesOf(scenario, outcomes);
  const { min, max, latencyMs, deadlineMs, faults } = scenario;
  return {
    setting: text.slice(0, settingMax),
    min,
    max,
    tolerated,
    objective: { latencyMs, deadlineMs },
    ...(specification !== undefined && { constraints: restraintsOf(specification) }),
    verdict: [...verdict(report, tolerated)],
    report: structuredClone(report) as RehearsalRequest['report'],
    by,
    build,
    notes: [...notes],
    faults: Object.entries(faults).map(([name, parameters]) => ({ name, parameters: { ...parameters } })),
    ...(timelines !== undefined && { timelines }),
  };
}
