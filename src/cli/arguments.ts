/**
 * A command line against a verb's declaration. Parsing itself is `node:util`; this adds what it lacks: the nearest
 * known option, choices, and messages that say what was expected.
 */
import { parseArgs } from 'node:util';
import type { OptionDeclaration, OptionValues, VerbDeclaration } from './declaration.ts';
import { UsageError } from './exit-codes.ts';
import { nearest } from '../config/nearest.ts';

export interface ParsedArguments {
  readonly positionals: readonly string[];
  readonly values: OptionValues;
}

export function parseVerb(verb: VerbDeclaration, argv: readonly string[]): ParsedArguments {
  const options: Record<string, { type: 'string' | 'boolean'; short?: string; multiple?: boolean }> = {};
  for (const [name, option] of Object.entries(verb.options)) {
    options[name] = {
      type: option.type,
      ...(option.short === undefined ? {} : { short: option.short }),
      ...(option.multiple === undefined ? {} : { multiple: option.multiple }),
    };
  }
  const parsed = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true });
  for (const token of parsed.tokens) {
    if (token.kind === 'option') checkOption(verb, token);
  }
  checkPositionals(verb, parsed.positionals);
  return { positionals: parsed.positionals, values: parsed.values };
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function checkOption(verb: VerbDeclaration, token: OptionToken): void {
  const option: OptionDeclaration | undefined = Object.hasOwn(verb.options, token.name)
    ? verb.options[token.name]
    : undefined;
  if (option === undefined) {
    const known = Object.entries(verb.options).filter(([, each]) => each.hidden !== true);
    const [near] = nearest(
      token.name,
      known.map(([name]) => name),
    );
    throw new UsageError(
      `${token.rawName} is not an option of ${verb.name}`,
      near === undefined ? `flyball ${verb.name} --help lists them` : `did you mean --${near}?`,
    );
  }
  if (option.type === 'boolean') {
    if (token.value !== undefined) throw new UsageError(`${token.rawName} takes no value, got ${token.value}`);
    return;
  }
  const missing = token.value === undefined || (token.inlineValue !== true && /^-./.test(token.value));
  if (missing) throw new UsageError(`${token.rawName} expects a value: ${token.rawName} ${option.value ?? 'VALUE'}`);
  if (option.choices !== undefined && !option.choices.includes(token.value ?? '')) {
    const [near] = nearest(token.value ?? '', option.choices);
    throw new UsageError(
      `${token.rawName} expects one of ${option.choices.join(', ')}, got ${token.value}`,
      near === undefined ? undefined : `did you mean ${near}?`,
    );
  }
}

function checkPositionals(verb: VerbDeclaration, positionals: readonly string[]): void {
  const required = verb.positionals.filter((each) => each.optional !== true);
  const missing = required[positionals.length];
  if (missing !== undefined && positionals.length < required.length)
    throw new UsageError(`${verb.name} expects ${missing.name}: ${missing.help}`, `for instance: ${verb.examples[0]}`);
  const excess = positionals[verb.positionals.length];
  if (excess !== undefined)
    throw new UsageError(`${verb.name} does not take ${excess}`, `flyball ${verb.name} --help shows what it takes`);
}

/** `5m`, `30s`, `250ms`, `1h` → milliseconds. A bare number is refused: its unit would be a guess. */
export function parseDurationMs(text: string, what: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  if (match === null) throw new UsageError(`${what} expects a duration such as 250ms, 10s or 5m, got ${text}`);
  return Number(match[1]) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] as 'ms' | 's' | 'm' | 'h'];
}

export function parseCount(text: string, what: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max))
    throw new UsageError(`${what} expects a whole number from ${min} to ${max}, got ${text}`);
  return value;
}
