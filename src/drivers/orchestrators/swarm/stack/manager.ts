/** The engine that a platform is to be put on, looked at before anything is made: is it a manager, and what does it know? */
import { statSync } from 'node:fs';
import { userInfo } from 'node:os';
import Docker from 'dockerode';
import { FlyballError } from '../../../../errors.ts';

export interface ManagerSeen {
  readonly nodeId: string;
  /** Numeric group of the socket, whose members may open it. */
  readonly socketGroup: number;
}

interface SwarmInfo {
  readonly NodeID?: string;
  readonly LocalNodeState?: string;
  readonly ControlAvailable?: boolean;
  readonly Error?: string;
  readonly RemoteManagers?: readonly { readonly Addr: string }[] | null;
}

const askMsMax = 10_000;

/** ENGINE_UNREACHABLE says what was expected at the socket and what is there. */
export async function lookAtManager(socket: string): Promise<ManagerSeen> {
  const docker = new Docker({ socketPath: socket, timeout: askMsMax });
  const swarm = await asked(socket, async () => ((await docker.info()) as { readonly Swarm?: SwarmInfo }).Swarm ?? {});
  const why = hindranceIn(swarm);
  if (why !== undefined) throw unfit(socket, why);
  // Without a quorum the engine answers all the same, and no call to the Swarm is.
  await asked(socket, () => docker.listNodes());
  return { nodeId: swarm.NodeID ?? '', socketGroup: statSync(socket).gid };
}

/** Of this engine alone: others may have it, or be able to pull it, which nobody knows before they try. */
export async function hasImage(socket: string, image: string): Promise<boolean> {
  const docker = new Docker({ socketPath: socket, timeout: askMsMax });
  try {
    await docker.getImage(image).inspect();
    return true;
  } catch {
    return false;
  }
}

/** What keeps an engine from taking orders; undefined where nothing does. Pure. */
export function hindranceIn({
  LocalNodeState,
  ControlAvailable,
  Error: error,
  RemoteManagers,
}: SwarmInfo): string | undefined {
  switch (LocalNodeState) {
    case 'active': {
      if (ControlAvailable === true) return undefined;
      const managers = (RemoteManagers ?? []).map(({ Addr }) => Addr).join(', ');
      return `a worker of a Swarm${managers === '' ? '' : `, whose managers are ${managers}`}`;
    }
    case 'pending':
      return `an engine that is looking for its Swarm${inWords(error)}`;
    case 'locked':
      return 'a manager whose Swarm is locked; `docker swarm unlock` opens it';
    case 'error':
      return `an engine whose Swarm has failed${inWords(error)}`;
    default:
      return 'an engine that is in no Swarm; `docker swarm init` makes one';
  }
}

const inWords = (error: string | undefined): string => (error === undefined || error === '' ? '' : `: ${error}`);

async function asked<T>(socket: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    const { code, statusCode, message } = cause as NodeJS.ErrnoException & { readonly statusCode?: number };
    throw unfit(socket, whyIn(socket, code, statusCode, message), cause);
  }
}

function whyIn(socket: string, code: string | undefined, statusCode: number | undefined, message: string): string {
  switch (code) {
    case 'ENOENT':
      return 'no such file';
    case 'EACCES':
      return `a socket that ${userInfo().username} may not open: its group may, usually \`docker\``;
    case 'ECONNREFUSED':
      // What connect says of a plain file, too.
      if (!statSync(socket).isSocket()) return 'a file that is no socket';
      return 'a socket on which nothing listens: the engine is not running';
    default:
      if (statusCode === 403 || statusCode === 401) return `an engine that refuses this: ${message}`;
      return statusCode === undefined
        ? `something that does not answer as an engine does: ${message}`
        : `an engine that says: ${message}`;
  }
}

const unfit = (socket: string, came: string, cause?: unknown): FlyballError =>
  new FlyballError(
    'ENGINE_UNREACHABLE',
    `expected a manager of a Docker Swarm at ${socket} (orchestrator.socket), got ${came}`,
    cause === undefined ? {} : { cause },
  );
