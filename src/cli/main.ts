/**
 * The command `flyball` and the composition root: finds the verb, parses its arguments, gives it its world, turns what
 * it throws into words and an exit code. It knows every verb by declaration only; a verb's code is imported when it runs.
 */
import type { Invocation, VerbDeclaration } from './declaration.ts';
import type { Terminal } from './terminal.ts';
import { parseVerb } from './arguments.ts';
import { exitCodes, UsageError, type ExitCode } from './exit-codes.ts';
import { overview, verbHelp } from './help.ts';
import { nearest } from '../config/nearest.ts';
import { reportError } from './report-error.ts';
import { verbs } from './verb-table.ts';
import { packageVersion } from './version.ts';
import { columnsOf } from './wrap.ts';

export async function main(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let verb: VerbDeclaration | undefined;
  let verbose = false;
  const aborted = new AbortController();
  let unsubscribe: (() => void) | undefined;
  try {
    const [first, ...rest] = argv;
    const columns = columnsOf(terminal.stdout);
    if (first === undefined) {
      terminal.stderr.write(overview(verbs, packageVersion(), columnsOf(terminal.stderr)));
      return exitCodes.usage;
    }
    if (first === '--help' || first === '-h') {
      terminal.stdout.write(overview(verbs, packageVersion(), columns));
      return exitCodes.done;
    }
    if (first === '--version' || first === '-V' || first === 'version') {
      terminal.stdout.write(`${packageVersion()}\n`);
      return exitCodes.done;
    }
    if (first === 'help') {
      terminal.stdout.write(
        rest[0] === undefined ? overview(verbs, packageVersion(), columns) : verbHelp(findVerb(rest[0]), columns),
      );
      return exitCodes.done;
    }
    verb = findVerb(first);
    if (asksForHelp(rest)) {
      terminal.stdout.write(verbHelp(verb, columns));
      return exitCodes.done;
    }
    verbose = rest.includes('-v') || rest.includes('--verbose');
    const parsed = parseVerb(verb, rest);
    const invocation: Invocation = { terminal, ...parsed, signal: aborted.signal };
    const code = await verb.load();
    if (verb.ownInterrupts !== true) unsubscribe = terminal.onInterrupt(() => aborted.abort());
    return await code.run(invocation);
  } catch (thrown) {
    if (aborted.signal.aborted) return exitCodes.interrupted;
    return reportError(thrown, verb?.name, terminal, verbose);
  } finally {
    unsubscribe?.();
  }
}

function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end === -1 ? argv : argv.slice(0, end)).some((word) => word === '--help' || word === '-h');
}

function findVerb(name: string): VerbDeclaration {
  const found = verbs.find((verb) => verb.name === name);
  if (found !== undefined) return found;
  if (name.startsWith('-'))
    throw new UsageError(
      `${name} is not an option of flyball itself`,
      'options come after the verb; see flyball --help',
    );
  const [near] = nearest(
    name,
    verbs.filter((verb) => !verb.name.startsWith('_')).map((verb) => verb.name),
  );
  throw new UsageError(
    `${name} is not a verb of flyball`,
    near === undefined ? 'flyball --help lists them' : `did you mean flyball ${near}?`,
  );
}

/** The verb on the process's own streams. Sets the exit code and lets what is written drain: no `process.exit`. */
export async function runProcess(): Promise<void> {
  const { processTerminal } = await import('./process-terminal.ts');
  process.exitCode = await main(process.argv.slice(2), processTerminal());
}

if (import.meta.main) await runProcess();
