/**
 * What goes wrong in a rehearsal, by name. When it strikes is drawn from the seed alone, never from what a policy did, so
 * that every policy meets the same misfortune.
 */
import { readParameters, type Parameters, type ParameterTable } from '../core/scaling/parameters.ts';
import { nextInt, seededRng, type Rng } from '../rng.ts';

const tables = {
  crash: {
    everySeconds: { kind: 'number', default: 600, min: 1, about: 'Mean time between two; a replica that serves dies.' },
  },
  'slow-start': {
    share: { kind: 'number', default: 0.1, min: 0, max: 1, about: 'Of the starts.' },
    factor: { kind: 'number', default: 5, min: 1, max: 1000, about: 'Times the lag that they take.' },
  },
  'telemetry-gap': {
    everySeconds: { kind: 'number', default: 3600, min: 1, about: 'Mean time between two.' },
    seconds: { kind: 'number', default: 600, min: 1, about: 'For which nothing is known.' },
  },
  'wrong-telemetry': {
    everySeconds: { kind: 'number', default: 3600, min: 1, about: 'Mean time between two.' },
    seconds: {
      kind: 'number',
      default: 300,
      min: 1,
      about: 'In which gateways tell of no load, and replicas are busy.',
    },
  },
  'lost-action': {
    share: { kind: 'number', default: 0.2, min: 0, max: 1, about: 'Of the changes of target; nothing comes of them.' },
  },
} as const satisfies Readonly<Record<string, ParameterTable>>;

type FaultName = keyof typeof tables;
export const faultNames = Object.keys(tables) as readonly FaultName[];
export const faultTables: Readonly<Record<string, ParameterTable>> = tables;

export type FaultSettings = { readonly [Name in FaultName]?: Parameters<(typeof tables)[Name]> };

export type ReadFaults =
  | { readonly kind: 'read'; readonly faults: FaultSettings }
  | { readonly kind: 'refused'; readonly problems: readonly string[] };

export function readFaults(named: readonly { readonly name: string; readonly given: object }[]): ReadFaults {
  const faults: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const { name, given } of named) {
    const table = Object.hasOwn(faultTables, name) ? faultTables[name] : undefined;
    if (table === undefined) {
      problems.push(`there is no fault ${name}, expected one of ${faultNames.join(', ')}`);
      continue;
    }
    const read = readParameters(table, given as Readonly<Record<string, unknown>>);
    if (read.kind === 'refused') problems.push(...read.problems.map((problem) => `fault ${name}: ${problem}`));
    else faults[name] = read.parameters;
  }
  return problems.length > 0 ? { kind: 'refused', problems } : { kind: 'read', faults };
}

/** Stretches of time, each after an exponential pause; asked with times that never go back. */
export interface Spells {
  /** When the one began in which `at` lies; NaN outside of all. */
  since(at: number): number;
}

function spells(rng: Rng, meanPauseMs: number, lengthMs: number): Spells {
  const pause = (): number => -Math.log(1 - rng.next()) * meanPauseMs;
  let from = pause();
  return {
    since(at) {
      while (at >= from + lengthMs) from += lengthMs + pause();
      return at >= from ? from : Number.NaN;
    },
  };
}

export interface Faults {
  /** When the next replica dies; Infinity when none does. */
  readonly crashAt: number;
  /** Which of so many; draws the next time. */
  crash(serving: number): number;
  /** Times the usual lag that the next start takes. */
  startFactor(): number;
  /** Whether the next change of target comes to nothing. */
  isLost(): boolean;
  readonly gap: Spells | undefined;
  readonly wrong: Spells | undefined;
}

/** Each fault has a source of its own, so that adding one changes nothing of the others. */
export function faultsOf(settings: FaultSettings, seed: number): Faults {
  const source = (name: FaultName): Rng => seededRng(seed * 16 + faultNames.indexOf(name) + 1);
  const [crashes, starts, losses] = [source('crash'), source('slow-start'), source('lost-action')];
  const { crash, 'slow-start': slow, 'lost-action': lost } = settings;
  const { 'telemetry-gap': gap, 'wrong-telemetry': wrong } = settings;
  const pause = crash === undefined ? Infinity : crash.everySeconds * 1000;
  const nextCrash = (): number => (crash === undefined ? Infinity : -Math.log(1 - crashes.next()) * pause);
  let crashAt = nextCrash();
  return {
    get crashAt() {
      return crashAt;
    },
    crash(serving) {
      crashAt += nextCrash();
      return nextInt(crashes, Math.max(1, serving));
    },
    startFactor: () => (slow !== undefined && starts.next() < slow.share ? slow.factor : 1),
    isLost: () => lost !== undefined && losses.next() < lost.share,
    gap: gap && spells(source('telemetry-gap'), gap.everySeconds * 1000, gap.seconds * 1000),
    wrong: wrong && spells(source('wrong-telemetry'), wrong.everySeconds * 1000, wrong.seconds * 1000),
  };
}
