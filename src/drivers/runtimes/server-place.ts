/**
 * Where a server is to be and how it is told: free ports, and the placeholders of its command, address and environment.
 *   {port}  a free port      {port:NAME}  another for each name      {model}  the server's name for the model
 *   {files}  the folder of its files
 * A port is free when it is picked, not reserved: whoever loses it to somebody else fails to start and is started again.
 */
import { createServer, type AddressInfo } from 'node:net';

export interface ServerDeclaration {
  readonly command?: readonly string[] | undefined;
  readonly address?: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** Name that the server has for the model. */
  readonly model: string;
  /** Where its files are. */
  readonly folder: string;
}

export interface ServerPlace {
  /** Without a slash at the end: paths of the protocol follow. */
  readonly address: string;
  readonly command?: readonly [string, ...string[]];
  /** Of the declaration, with the ports; what the platform's own environment adds is not here. */
  readonly env: Readonly<Record<string, string>>;
}

const portPattern = /\{port(?::([a-zA-Z0-9_-]+))?\}/g;

export async function placeServer(declaration: ServerDeclaration): Promise<ServerPlace> {
  const { command, env, model, folder } = declaration;
  const address = declaration.address ?? 'http://127.0.0.1:{port}';
  const names = new Set(['']);
  for (const text of [...(command ?? []), address, ...Object.values(env)]) {
    for (const [, name = ''] of text.matchAll(portPattern)) names.add(name);
  }
  const ports = command === undefined ? new Map<string, number>() : await freePorts([...names]);
  const fill = (text: string): string =>
    text
      .replaceAll(portPattern, (_, name: string | undefined) => String(ports.get(name ?? '') ?? ''))
      .replaceAll('{model}', () => model)
      .replaceAll('{files}', () => folder);
  const place = { address: fill(address).replace(/\/+$/, '') };
  if (command === undefined) return { ...place, env: {} };
  const [program = '', ...rest] = command.map(fill);
  const port = fill('{port}');
  const filled = Object.entries(env).map(([name, value]) => [name, fill(value)] as const);
  return {
    ...place,
    command: [program, ...rest],
    env: { PORT: port, FLYBALL_PORT: port, ...Object.fromEntries(filled) },
  };
}

/** All are held until all are known, so that no two are the same. */
async function freePorts(names: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const ports = new Map<string, number>();
  const held = [];
  try {
    for (const name of names) {
      const server = createServer();
      held.push(server);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
      await promise;
      ports.set(name, (server.address() as AddressInfo).port);
    }
  } finally {
    for (const server of held) server.close();
  }
  return ports;
}
