/**
 * What a verb tells a script, by exit code. The table is printed in `--help` and held by tests: a script may rely on it.
 * Errors of the catalogue map onto it here and nowhere else.
 */
import type { FlyballError } from '../errors.ts';

export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  changes: 3,
  approval: 4,
  unreachable: 5,
  timedOut: 6,
  rolledBack: 7,
  refused: 8,
  interrupted: 130,
} as const;

export type ExitName = keyof typeof exitCodes;
export type ExitCode = (typeof exitCodes)[ExitName];

export const exitMeanings: Readonly<Record<ExitName, string>> = {
  done: 'done, healthy',
  failed: 'failed, degraded',
  usage: 'wrong usage or an invalid specification',
  changes: 'the plan has changes',
  approval: 'waits for approval',
  unreachable: 'the server cannot be reached',
  timedOut: 'timed out',
  rolledBack: 'rolled back',
  refused: 'refused by a bound',
  interrupted: 'interrupted',
};

/** The command line itself is wrong; `hint` says what to write instead. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

export function exitCodeOf(error: FlyballError): ExitCode {
  switch (error.code) {
    case 'INVALID_SPECIFICATION':
    case 'INVALID_NAME':
      return exitCodes.usage;
    case 'UNREACHABLE':
      return exitCodes.unreachable;
    case 'TIMED_OUT':
    case 'DEADLINE_EXCEEDED':
      return exitCodes.timedOut;
    case 'OUT_OF_BOUNDS':
      return exitCodes.refused;
    case 'CANCELLED':
      return exitCodes.interrupted;
    default:
      return exitCodes.failed;
  }
}
