/**
 * An error as people read it: the first line is cause and subject, then what to do, then where it is documented.
 * The trace is for -v. Programs read the exit code.
 */
import { catalogue, errorLink, toFlyballError, type ErrorCode } from '../errors.ts';
import { exitCodeOf, exitCodes, UsageError, type ExitCode } from './exit-codes.ts';
import { styleOf, type Terminal } from './terminal.ts';

/** What the person at this terminal can do, where it is more than the catalogue's own line. */
const advice: Partial<Record<ErrorCode, string>> = {
  UNREACHABLE: 'Is it running? Start it with `flyball up`, or name another address with --url or FLYBALL_URL.',
  DEPLOYMENT_NOT_FOUND: 'See what there is with `flyball status`.',
  MODEL_NOT_FOUND: 'See what there is with `flyball models`.',
  VERSION_NOT_FOUND: 'See what there is with `flyball models show NAME`.',
  ALIAS_NOT_FOUND: 'See what there is with `flyball models show NAME`.',
  PORT_IN_USE: 'Stop what holds it, give another `listeners.*.port`, or use --demo, which takes the next free one.',
  DATA_DIR_LOCKED: 'Or name another folder with --data-dir.',
  PLAN_OUTDATED: 'Look again with `flyball plan`, then deploy with its new fingerprint.',
  TIMED_OUT: 'It goes on without you; watch it with `flyball status -w`.',
  UNAUTHENTICATED: 'Set FLYBALL_API_KEY; whoever has the scope admin makes a key with `flyball keys create`.',
  KEY_NOT_FOUND: 'See what there is with `flyball keys`.',
  INTERNAL: 'This is a fault of Flyball itself: please report it with the output of `-v`.',
};

export function reportError(thrown: unknown, verb: string | undefined, terminal: Terminal, verbose: boolean): ExitCode {
  const style = styleOf(terminal.stderr, terminal.env);
  const lead = style.red(verb === undefined ? 'flyball:' : `flyball ${verb}:`);
  if (thrown instanceof UsageError) {
    terminal.stderr.write(
      `${lead} ${visible(thrown.message)}\n${thrown.hint === undefined ? '' : `  ${thrown.hint}\n`}`,
    );
    return exitCodes.usage;
  }
  const error = toFlyballError(thrown);
  const lines = [
    `${lead} ${visible(error.message)}`,
    `  ${advice[error.code] ?? catalogue[error.code].help}`,
    `  ${error.code}: ${errorLink(error.code)}`,
  ];
  if (verbose) lines.push(...traceOf(thrown).map((line) => `  ${line}`));
  terminal.stderr.write(`${lines.join('\n')}\n`);
  return exitCodeOf(error);
}

/** Lines of a message stay lines; anything else that would steer the terminal is written out. */
function visible(message: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return message.replaceAll(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F]/g, (character) =>
    JSON.stringify(character).slice(1, -1).replace('\u007F', '\\u007f'),
  );
}

function traceOf(thrown: unknown): string[] {
  const lines: string[] = [];
  let current = thrown;
  // Chains of causes are short; the bound is for one that refers to itself.
  for (let depth = 0; depth < 8 && current instanceof Error; depth++) {
    lines.push(...(current.stack ?? current.message).split('\n'));
    current = current.cause;
    if (current instanceof Error) lines.push('caused by:');
  }
  return lines;
}
