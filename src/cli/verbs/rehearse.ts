/**
 * `flyball rehearse`: policies over simulated replicas and recorded or made-up traffic, in the time that computing takes.
 * It touches no platform; of one that runs it asks what was recorded and learned, and leaves there what came of it. The
 * object of `--json` holds nothing that another run has otherwise, but `wallSeconds`.
 */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { systemClock } from '../../clock.ts';
import { compare, type Rehearsed, type Report } from '../../rehearsal/report/compare.ts';
import { columnsOf, page } from '../../rehearsal/report/page.ts';
import { duration, picture } from '../../rehearsal/report/picture.ts';
import { labelOf, percent, verdict } from '../../rehearsal/report/verdict.ts';
import { judgeRehearsal, type Rehearsed as RehearsedPolicies } from '../../core/scaling/arming.ts';
import { constraintsOf, policyOf } from '../../control/governor/settings.ts';
import type { Subject } from '../rehearse-subject.ts';
import type { RehearsalRequest } from '../../api/rehearsal-schemas.ts';
import { FlyballError } from '../../errors.ts';
import { caller } from '../connect.ts';
import { stringOption, type Invocation } from '../declaration.ts';
import { exitCodes, UsageError, type ExitCode } from '../exit-codes.ts';
import { formatOf, print, table } from '../output.ts';
import { readRehearsePlan, type RehearsePlan } from '../rehearse-plan.ts';
import { columnsOf as terminalColumns, wrap } from '../wrap.ts';

export async function run(invocation: Invocation): Promise<ExitCode> {
  const { terminal, values } = invocation;
  const plan = await readRehearsePlan(invocation);
  const { scenario, contenders, tolerated, pricePerHour, text, notes } = plan;
  terminal.stderr.write(`${wrap(`  ${text}`, terminalColumns(terminal.stderr), 2)}\n`);
  for (const note of notes) terminal.stderr.write(`  note: ${note}\n`);
  const onPolicy = (name: string): void => {
    if (terminal.stderr.isTTY) terminal.stderr.write(`  ${name}\n`);
  };
  const rehearsed = compare(scenario, contenders, { pricePerHour, tolerated, now: () => systemClock.now(), onPolicy });
  const { report } = rehearsed;
  const sentences = verdict(report, tolerated);
  const html = stringOption(values, 'html');
  if (html !== undefined) {
    // A picture by itself is what documents want.
    const content = html.endsWith('.svg') ? picture(rehearsed) : page(rehearsed, sentences, text);
    await writeFile(resolve(terminal.cwd, html), content).catch((error: unknown) => {
      throw new UsageError(
        `--html ${html} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
      );
    });
    terminal.stderr.write(`  wrote ${html}\n`);
  }
  const id = await keep(invocation, plan, report, sentences);
  await print(terminal, formatOf(values), {
    data: id === undefined ? report : { ...report, rehearsal: id },
    items: report.policies,
    names: () => report.policies.map(labelOf),
    table: () => tableText(rehearsed, sentences, terminalColumns(terminal.stdout)),
  });
  return exitCodes.done;
}

/** On the platform that it is about, so that a mode may rest on it. Undefined where there is none, or it would not. */
async function keep(
  { terminal, signal }: Invocation,
  { scenario, tolerated, text, subject }: RehearsePlan,
  report: Report,
  sentences: readonly string[],
): Promise<string | undefined> {
  const { running, isAsRuns } = subject;
  if (running === undefined) return undefined;
  const { client, deployment } = running;
  const say = (words: string): void => {
    terminal.stderr.write(`${wrap(`  ${words}`, terminalColumns(terminal.stderr), 2)}\n`);
  };
  if (!isAsRuns) {
    say(`not kept on the platform: it is of another specification than ${deployment} has there`);
    return undefined;
  }
  const { min, max } = scenario;
  const setting = text.slice(0, settingMax);
  const by = caller(terminal.env);
  const request = { setting, min, max, tolerated, verdict: [...sentences], report: reportOf(report), by };
  try {
    const { id } = await client.keepRehearsal(deployment, request, signal);
    const objection = objectionTo({ deployment, at: 0, min, max, tolerated, policies: report.policies }, subject);
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
function objectionTo(rehearsed: RehearsedPolicies, { specification }: Subject): string | undefined {
  if (specification === undefined) return undefined;
  const { min, max } = constraintsOf(specification);
  const armed = { deployment: rehearsed.deployment, ...policyOf(specification), min, max };
  const verdict = judgeRehearsal(rehearsed, armed, rehearsed.at);
  if (verdict.kind === 'unfit') return verdict.problem;
  const missed = percent(verdict.policy.violationFraction);
  return verdict.passed
    ? undefined
    : `${armed.policy} missed ${missed}, where ${percent(rehearsed.tolerated)} might be, without a reason beside it`;
}

const settingMax = 2000;

const reportOf = (report: Report): RehearsalRequest['report'] => ({
  ...report,
  policies: report.policies.map((policy) => ({ ...policy, parameters: { ...policy.parameters } })),
});

function tableText(rehearsed: Rehearsed, sentences: readonly string[], columns: number): string {
  const { simulatedSeconds, wallSeconds, seed, policies, requests } = rehearsed.report;
  const shown = columnsOf(rehearsed).map(({ header, cells }, index) => ({
    header,
    align: index === 0 ? ('left' as const) : ('right' as const),
    cell: (row: number): string => cells[row] ?? '',
  }));
  return [
    `${duration(simulatedSeconds)} and ${requests} requests, ${policies.length} times, in ${wallSeconds.toFixed(1)} s; seed ${seed}`,
    '',
    table(shown, [...policies.keys()]),
    ...sentences.map((sentence) => wrap(sentence, columns, 2)),
    '',
  ].join('\n');
}
