/** Makes one Swarm of the engines, and tells what it says of its nodes. */
import type Docker from 'dockerode';
import { until } from './commands.ts';
import { engineAt, lookMs } from './engine.ts';
import type { TestbedNames } from './names.ts';
import type { TestbedSettings } from './settings.ts';

const swarmPort = 2377;
const settleMs = 45_000;

interface SwarmInfo {
  readonly LocalNodeState: string;
  readonly ControlAvailable: boolean;
  readonly NodeID: string;
}

/** A node as a manager lists it. */
export interface ListedNode {
  readonly ID: string;
  readonly Spec: { readonly Availability: string };
  readonly Status: { readonly State: string; readonly Message?: string };
  readonly Description: { readonly Hostname: string };
  readonly ManagerStatus?: { readonly Leader?: boolean; readonly Reachability: string };
}

const swarmOf = async (engine: Docker): Promise<SwarmInfo> =>
  ((await engine.info()) as { readonly Swarm: SwarmInfo }).Swarm;

/** Its state once it is one that lasts: an engine that has just started looks for the others first. */
const settled = (engine: Docker): Promise<SwarmInfo> =>
  until('an engine knows whether it is part of a Swarm', settleMs, async () => {
    const swarm = await swarmOf(engine);
    return swarm.LocalNodeState === 'pending' ? undefined : swarm;
  });

/** A manager that has a quorum, asked with a short deadline; undefined when there is none. */
export async function findManager(
  names: TestbedNames,
  numbers: readonly number[],
  timeoutMs = lookMs,
): Promise<Docker | undefined> {
  for (const number of numbers) {
    const engine = engineAt(names.node(number).socketPath, timeoutMs);
    try {
      const { ControlAvailable } = await swarmOf(engine);
      if (!ControlAvailable) continue;
      await engine.swarmInspect(); // fails without a quorum
      return engine;
    } catch {
      // It is off, frozen or without a quorum.
    }
  }
  return undefined;
}

/** Does what is missing: starts the Swarm on the first node, lets the others join, waits until it lists all as ready. */
export async function formSwarm(names: TestbedNames, settings: TestbedSettings): Promise<void> {
  const numbers = Array.from({ length: settings.nodes }, (_, index) => index + 1);
  const first = engineAt(names.node(1).socketPath);
  if ((await settled(first)).LocalNodeState === 'inactive') {
    const { address } = names.node(1);
    await first.swarmInit({
      ListenAddr: `${address}:${swarmPort}`,
      AdvertiseAddr: address,
      Spec: { Dispatcher: { HeartbeatPeriod: settings.heartbeatMs * 1e6 } },
    });
  }
  const tokens = await until('a manager of the Swarm has a quorum', settleMs, async () => {
    const { JoinTokens } = (await first.swarmInspect()) as {
      readonly JoinTokens: { readonly Manager: string; readonly Worker: string };
    };
    return JoinTokens;
  });
  const join = async (number: number, token: string): Promise<void> => {
    const { socketPath, address } = names.node(number);
    const engine = engineAt(socketPath);
    if ((await settled(engine)).LocalNodeState !== 'inactive') return;
    await engine.swarmJoin({
      ListenAddr: `${address}:${swarmPort}`,
      AdvertiseAddr: address,
      RemoteAddrs: [`${names.node(1).address}:${swarmPort}`],
      JoinToken: token,
    });
  };
  // Managers one after another: each changes who votes.
  for (const number of numbers.slice(1, settings.managers)) await join(number, tokens.Manager);
  await Promise.all(numbers.slice(settings.managers).map((number) => join(number, tokens.Worker)));
  await until('the Swarm lists every node as ready', settleMs, async () => {
    const listed = (await first.listNodes()) as readonly ListedNode[];
    return listed.filter(({ Status }) => Status.State === 'ready').length >= settings.nodes ? true : undefined;
  });
}
