/**
 * How a verb is declared: everything that `--help`, completion and the argument parser know about it. The verbs' code is
 * imported only when one is run, so that help stays fast; this file and the table import nothing that runs.
 */
import type { ExitCode, ExitName } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

export interface OptionDeclaration {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  /** Placeholder of the value in help, for instance FILE. */
  readonly value?: string;
  readonly choices?: readonly string[];
  readonly multiple?: boolean;
  readonly hidden?: boolean;
  readonly help: string;
}

export interface PositionalDeclaration {
  readonly name: string;
  readonly optional?: boolean;
  /** What completion offers: names from the server, files, or these words. */
  readonly completes?: 'deployments' | 'models' | 'files' | readonly string[];
  readonly help: string;
}

export interface VerbDeclaration {
  readonly name: string;
  readonly summary: string;
  readonly examples: readonly [string, string, ...string[]];
  readonly positionals: readonly PositionalDeclaration[];
  readonly options: Readonly<Record<string, OptionDeclaration>>;
  readonly exits: readonly ExitName[];
  readonly hidden?: boolean;
  /** True when the verb itself decides what Ctrl-C does. */
  readonly ownInterrupts?: boolean;
  readonly load: () => Promise<{ run: Run }>;
}

export type OptionValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

export interface Invocation {
  readonly terminal: Terminal;
  readonly positionals: readonly string[];
  readonly values: OptionValues;
  readonly signal: AbortSignal;
}

export type Run = (invocation: Invocation) => Promise<ExitCode>;

export function stringOption(values: OptionValues, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

export function flag(values: OptionValues, name: string): boolean {
  return values[name] === true;
}
