/**
 * `flyball rehearse`: policies over simulated replicas and recorded or made-up traffic, in the time that computing takes.
 * It touches no platform; of one that runs it asks what was recorded and learned, and leaves there what came of it. The
 * object of `--json` holds nothing that another run has otherwise, but `wallSeconds`.
 */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { systemClock } from '../../clock.ts';
import { compare, type Rehearsed } from '../../rehearsal/report/compare.ts';
import { columnsOf, page } from '../../rehearsal/report/page.ts';
import { duration, picture } from '../../rehearsal/report/picture.ts';
import { labelOf, verdict } from '../../rehearsal/report/verdict.ts';
import { stringOption, type Invocation } from '../declaration.ts';
import { exitCodes, UsageError, type ExitCode } from '../exit-codes.ts';
import { formatOf, print, table } from '../output.ts';
import { keepRehearsal } from '../rehearse-keep.ts';
import { readRehearsePlan } from '../rehearse-plan.ts';
import { columnsOf as terminalColumns, wrap } from '../wrap.ts';

export async function run(invocation: Invocation): Promise<ExitCode> {
  const { terminal, values } = invocation;
  const plan = await readRehearsePlan(invocation);
  const { scenario, entrants, tolerated, pricePerHour, text, notes } = plan;
  terminal.stderr.write(`${wrap(`  ${text}`, terminalColumns(terminal.stderr), 2)}\n`);
  for (const note of notes) terminal.stderr.write(`${wrap(`  note: ${note}`, terminalColumns(terminal.stderr), 4)}\n`);
  const onPolicy = (name: string): void => {
    if (terminal.stderr.isTTY) terminal.stderr.write(`  ${name}\n`);
  };
  const contenders = entrants.map((entrant) => entrant.enter(scenario));
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
  const id = await keepRehearsal(invocation, plan, rehearsed);
  await print(terminal, formatOf(values), {
    data: id === undefined ? report : { ...report, rehearsal: id },
    items: report.policies,
    names: () => report.policies.map(labelOf),
    table: () => tableText(rehearsed, sentences, terminalColumns(terminal.stdout)),
  });
  return exitCodes.done;
}

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
