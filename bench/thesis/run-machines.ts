/** Switches the testbed's nodes on and off as machines that come only a while after they were asked for. */
import { until, type Platform } from '../../test/support/platform.ts';
import { powerOf } from '../../testbed/node.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { stepMachines, workersAsked, type Machines, type WhySeen } from './machines.ts';

interface NodeListed {
  readonly ID: string;
  readonly Description: { readonly Hostname: string };
  readonly Status: { readonly State: string };
}

const stepMs = 500;
const settledMs = 60_000;

const listed = async (fleet: Fleet): Promise<readonly NodeListed[]> =>
  (await fleet.docker.listNodes()) as readonly NodeListed[];

/** Waits until the Swarm says of so many nodes that they are ready. */
async function untilReady(fleet: Fleet, count: number): Promise<void> {
  await until(
    `the Swarm to have ${count} nodes that are ready`,
    async () => {
      const ready = (await listed(fleet)).filter(({ Status }) => Status.State === 'ready');
      return ready.length === count ? true : undefined;
    },
    settledMs,
  );
}

/** All that are off. */
export async function switchOn(fleet: Fleet, most: number): Promise<void> {
  for (let number = 1; number <= most; number += 1) {
    if (powerOf(fleet.testbed.node(number)) === 'off') await fleet.testbed.start(number);
  }
  await untilReady(fleet, most);
}

/** All but the first ones. */
export async function switchOff(fleet: Fleet, fewest: number, most: number): Promise<void> {
  for (let number = fewest + 1; number <= most; number += 1) await fleet.testbed.kill(number);
  await untilReady(fleet, fewest);
}

async function wanted(platform: Platform, deployment: string): Promise<number> {
  const response = await fetch(`${platform.control}/api/v1/deployments/${deployment}/why`);
  if (!response.ok) throw new Error(`why answered ${response.status}: ${await response.text()}`);
  return workersAsked((await response.json()) as WhySeen);
}

export interface MachinesOptions {
  readonly fleet: Fleet;
  readonly platform: Platform;
  readonly deployment: string;
  readonly fewest: number;
  readonly most: number;
  readonly lagSeconds: number;
}

export interface RunningMachines extends AsyncDisposable {
  /** Throws what has gone wrong, if anything has: what is measured since is not what was meant. */
  check(): void;
}

/** Asks for as many as the deployment wants, as an operator would who looks at `flyball why`, until it is disposed of. */
export function runMachines(options: MachinesOptions): RunningMachines {
  const { fleet, platform, deployment, fewest, most, lagSeconds } = options;
  const first = Array.from({ length: fewest }, (_, index) => index + 1);
  let machines: Machines = { on: new Set(first), ordered: new Map() };
  let failure: unknown;
  const ending = new AbortController();

  const step = async (): Promise<void> => {
    const [workers, nodes, occupied] = await Promise.all([
      wanted(platform, deployment),
      listed(fleet),
      fleet.occupied(),
    ]);
    const busyNames = new Set(nodes.filter(({ ID }) => occupied.includes(ID)).map((node) => node.Description.Hostname));
    const numbers = Array.from({ length: most }, (_, index) => index + 1);
    const busy = new Set(numbers.filter((number) => busyNames.has(fleet.testbed.node(number).hostname)));
    const next = stepMachines(machines, { workers, busy, fewest, most }, performance.now() / 1000, lagSeconds);
    machines = next.machines;
    await Promise.all(next.switchOn.map((number) => fleet.testbed.start(number)));
    await Promise.all(next.giveBack.map((number) => fleet.testbed.kill(number)));
  };

  const running = (async () => {
    while (!ending.signal.aborted) {
      await step();
      await new Promise((resolve) => {
        setTimeout(resolve, stepMs);
      });
    }
  })().catch((error: unknown) => {
    failure = error;
  });

  const check = (): void => {
    if (failure !== undefined) throw new Error('the machines could not be switched', { cause: failure });
  };
  return {
    check,
    async [Symbol.asyncDispose]() {
      ending.abort();
      await running;
    },
  };
}
