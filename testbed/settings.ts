/** What can be chosen of a testbed, what holds when nothing is, and what is refused. */
import { nodesMax } from './names.ts';

export interface TestbedSettings {
  /** 1 to 50. */
  readonly nodes: number;
  /** The first so many nodes manage; odd, or a quorum is no larger than with one less. */
  readonly managers: number;
  /** Between a worker and its manager; an engine counts as down after two to three of them. Swarm's default is 5 s. */
  readonly heartbeatMs: number;
  /** Cores that all containers of a node may use together; undefined: no limit. The engine itself is not counted. */
  readonly cpus?: number | undefined;
  /** That a node says it has, and that all its containers may use together; undefined: what the machine has. */
  readonly memoryMiB?: number | undefined;
  /** Whole cores that a node says it has, at most what the machine has: its processes run on no more. */
  readonly advertisedCpus?: number | undefined;
  /** Countable things that a node says it has: `{gpu: 2}`. */
  readonly genericResources?: Readonly<Record<string, number>> | undefined;
  /**
   * Whether the machine is plugged into the nodes' network, so that any of its processes reaches them. Otherwise only
   * those do that run behind `lan`, and the machine's own network is not touched.
   */
  readonly reachable: boolean;
}

export const defaultSettings: TestbedSettings = { nodes: 3, managers: 1, heartbeatMs: 5000, reachable: false };

interface Range {
  readonly minimum: number;
  readonly maximum: number;
  readonly whole: boolean;
}

const ranges: Readonly<Record<Exclude<keyof TestbedSettings, 'genericResources' | 'reachable'>, Range>> = {
  nodes: { minimum: 1, maximum: nodesMax, whole: true },
  managers: { minimum: 1, maximum: 7, whole: true },
  heartbeatMs: { minimum: 100, maximum: 60_000, whole: true },
  // A quota below a hundredth of a core is shorter than the kernel's shortest, 1 ms of every 100.
  cpus: { minimum: 0.01, maximum: 1024, whole: false },
  memoryMiB: { minimum: 64, maximum: 1 << 24, whole: true },
  advertisedCpus: { minimum: 1, maximum: 1024, whole: true },
};

/** Throws with what was expected and what came. */
export function checkSettings(settings: TestbedSettings, machineCpus: number): TestbedSettings {
  for (const [key, range] of Object.entries(ranges)) {
    const value = settings[key as keyof typeof ranges];
    if (value === undefined) continue;
    const fits = value >= range.minimum && value <= range.maximum && (!range.whole || Number.isInteger(value));
    if (!fits)
      throw new Error(
        `${key}: expected ${range.whole ? 'a whole number' : 'a number'} from ${range.minimum} to ${range.maximum}, came ${value}`,
      );
  }
  if (settings.managers > settings.nodes)
    throw new Error(
      `managers: expected at most as many as there are nodes (${settings.nodes}), came ${settings.managers}`,
    );
  if ((settings.advertisedCpus ?? 1) > machineCpus)
    throw new Error(
      `advertisedCpus: expected at most what the machine has (${machineCpus}), came ${settings.advertisedCpus}`,
    );
  for (const [kind, count] of Object.entries(settings.genericResources ?? {}))
    if (!/^[A-Za-z][\w-]*$/.test(kind) || !Number.isInteger(count) || count < 1)
      throw new Error(
        `genericResources: expected a name and a whole number from 1, as in gpu=2, came ${kind}=${count}`,
      );
  return settings;
}

/**
 * What holds for a testbed that is there: it may get more nodes; everything else was settled when it was made. Throws
 * when something else is asked for.
 */
export function mergeSettings(saved: TestbedSettings, asked: Partial<TestbedSettings>): TestbedSettings {
  for (const [key, value] of Object.entries(asked)) {
    const before = saved[key as keyof TestbedSettings];
    if (value === undefined || key === 'nodes' || JSON.stringify(value) === JSON.stringify(before)) continue;
    throw new Error(
      `the testbed is there with ${key} ${JSON.stringify(before) ?? 'not set'}, ${JSON.stringify(value)} was asked for: take it down first`,
    );
  }
  const nodes = asked.nodes ?? saved.nodes;
  if (nodes < saved.nodes)
    throw new Error(`the testbed has ${saved.nodes} nodes, ${nodes} were asked for: take it down first`);
  return { ...saved, nodes };
}
