/** `flyball doctor`: every check at once, in a fixed order; exit 1 when one fails. A warning alone is no failure. */
import { allChecks, type Checked } from '../checks.ts';
import type { Invocation } from '../declaration.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { formatOf, print } from '../output.ts';
import { styleOf, type Style } from '../terminal.ts';

export async function run(invocation: Invocation): Promise<ExitCode> {
  const { terminal, values } = invocation;
  const checked = await allChecks(invocation);
  const failed = checked.filter((check) => check.state === 'failed');
  await print(terminal, formatOf(values), {
    data: { ok: failed.length === 0, checks: checked },
    items: checked,
    names: () => failed.map((check) => check.name),
    table: () => checked.map((check) => text(check, styleOf(terminal.stdout, terminal.env))).join(''),
  });
  return failed.length === 0 ? exitCodes.done : exitCodes.failed;
}

function text(check: Checked, style: Style): string {
  const word = { ok: style.green('ok  '), warning: style.yellow('warn'), failed: style.red('FAIL') }[check.state];
  const line = `${word}  ${check.name.padEnd(16)}  ${check.found}\n`;
  if (check.state === 'ok') return line;
  const fix = check.fix === undefined ? '' : `        fix: ${check.fix}\n`;
  return `${line}        wanted: ${check.wanted}\n${fix}`;
}
