/** A testbed that has this checkout's image, and platforms on it whose gateway and control run on this machine. */
import type Docker from 'dockerode';
import { buildImage } from '../../deploy/image/build.ts';
import { freePorts } from '../../src/testing/free-ports.ts';
import { startPlatform, until, type Platform, type PlatformFiles } from '../../test/support/platform.ts';
import { openTestbed, type Testbed, type TestbedOptions } from '../../testbed/testbed.ts';
import { isOccupying } from '../thesis/worker-seconds.ts';

/** Of every platform here: its volumes keep the models on the nodes from one to the next. */
const platformName = 'bench';
const mine = { filters: { label: [`io.flyball.platform=${platformName}`] } };
const goneMs = 60_000;
export const loadedMs = 300_000;

export interface Fleet extends AsyncDisposable {
  readonly testbed: Testbed;
  /** A manager's API. */
  readonly docker: Docker;
  /** Ends with all that it has left on the Swarm; one at a time. */
  start(files: PlatformFiles): Promise<Platform>;
  /** Ids of the Swarm's nodes that have a replica, one entry for each replica. */
  occupied(): Promise<string[]>;
  /** Replicas of a deployment that the engine says run and are to go on. */
  running(deployment: string): Promise<number>;
}

interface TaskListed {
  readonly ServiceID: string;
  readonly NodeID?: string;
  readonly DesiredState: string;
  readonly Status?: { readonly State?: string };
}

export async function openFleet(options: TestbedOptions): Promise<Fleet> {
  const image = await buildImage();
  const images = [{ kind: 'file', path: await image.file() }] as const;
  const testbed = await openTestbed({ heartbeatMs: 1000, ...options, reachable: true, images });
  const docker = testbed.docker(1);

  const occupied = async (): Promise<string[]> => {
    const tasks = (await docker.listTasks(mine)) as readonly TaskListed[];
    return tasks.filter(isOccupying).map(({ NodeID = '' }) => NodeID);
  };

  const running = async (deployment: string): Promise<number> => {
    const filters = { label: [...mine.filters.label, `io.flyball.deployment=${deployment}`] };
    const services = new Set((await docker.listServices({ filters })).map(({ ID }) => ID));
    const tasks = (await docker.listTasks(mine)) as readonly TaskListed[];
    const isRunning = (task: TaskListed): boolean =>
      services.has(task.ServiceID) && task.DesiredState === 'running' && task.Status?.State === 'running';
    return tasks.filter(isRunning).length;
  };

  /** A platform that ends leaves its services to the next control, and with them what they name. */
  const clear = async (): Promise<void> => {
    for (const { ID } of await docker.listServices(mine)) await docker.getService(ID).remove();
    await until('the replicas to be gone', async () => ((await occupied()).length === 0 ? true : undefined), goneMs);
    for (const { ID } of await docker.listConfigs(mine)) await docker.getConfig(ID).remove();
    for (const { ID } of await docker.listSecrets(mine)) await docker.getSecret(ID).remove();
  };

  return {
    testbed,
    docker,
    occupied,
    running,
    async start(files) {
      const { machineAddress } = testbed;
      const orchestrator = {
        kind: 'swarm',
        socket: testbed.node(1).socketPath,
        image: image.tag,
        door: { host: machineAddress, port: await freePorts(1), address: machineAddress },
      };
      const specification = { ...files.specification, name: platformName, orchestrator };
      const platform = await startPlatform({ ...files, specification });
      const dispose = async (): Promise<void> => {
        await platform[Symbol.asyncDispose]();
        await clear();
      };
      return { ...platform, [Symbol.asyncDispose]: dispose };
    },
    [Symbol.asyncDispose]: () => testbed[Symbol.asyncDispose](),
  };
}

/** Waits until a deployment has so many replicas that requests are sent to. */
export async function untilServing(platform: Platform, deployment: string, replicas: number): Promise<void> {
  let last = '';
  try {
    await until(
      `${replicas} replicas of ${deployment} to serve`,
      async () => {
        const found = (await platform.status()).deployments.find(({ name }) => name === deployment);
        last = `${found?.counts.serving ?? 0} do; ${found?.reason ?? 'no reason is given'}`;
        return found?.counts.serving === replicas ? true : undefined;
      },
      loadedMs,
    );
  } catch (error) {
    throw new Error(`${deployment}: ${last}`, { cause: error });
  }
  // The gateways know it a moment later.
  await platform.serving();
}
