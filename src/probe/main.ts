/**
 * The health check of the container image: exit code 0 when what runs here is ready, 1 with a line of reason when it is
 * not. It starts every few seconds beside what it looks at, so it is a module of its own and writes its one request by
 * hand: `node:http` would take longer to load than all the rest, and `fetch` longer still.
 */
import { readFileSync } from 'node:fs';
import { connect, type NetConnectOpts } from 'node:net';
import { addressesOf, inWords, statusIn, type Address, type Announced } from './addresses.ts';

/** Below the timeout of the check, so that the reason is told. */
const timeoutMs = 4000;
const dataDirectory = process.env['FLYBALL_DATA_DIR'] ?? '';

function announced(): Announced | undefined {
  try {
    return JSON.parse(readFileSync(`${dataDirectory}/supervisor.json`, 'utf8')) as Announced;
  } catch {
    return undefined;
  }
}

async function targetOf(address: Address): Promise<NetConnectOpts> {
  if (address.kind === 'port') return { host: address.host, port: address.port };
  const { apiSocketFile, chooseRunDirectory } = await import('../store/run-directory.ts');
  if (address.kind === 'api') return { path: `${chooseRunDirectory(dataDirectory)}/${apiSocketFile}` };
  const { doorFile } = await import('../protocol/local-door.ts');
  return { path: `${chooseRunDirectory(dataDirectory)}/${doorFile(0)}` };
}

function ask(target: NetConnectOpts, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(target);
    let answer = '';
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    socket.setEncoding('latin1');
    socket.on('data', (text) => (answer += String(text)));
    socket.once('error', reject);
    socket.once('close', () => resolve(statusIn(answer)));
    socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
  });
}

async function reasonAgainst(): Promise<string | undefined> {
  const told = announced();
  // Of a whole platform the gateway is asked all the same.
  if (told?.standby !== undefined && told.listeners?.http === undefined) return undefined;
  const addresses = addressesOf(process.env['FLYBALL_HEALTH_URL'], told);
  for (const address of addresses) {
    try {
      const status = await ask(await targetOf(address), address.path);
      return status === 200 ? undefined : `not ready: ${inWords(address)} answers ${status ?? 'nothing'}`;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'ECONNREFUSED' && code !== 'ENOENT') return `${inWords(address)}: ${message}`;
    }
  }
  return `nobody listens at ${addresses.map(inWords).join(' or ')}`;
}

const reason = await reasonAgainst().catch((error: unknown) => `FLYBALL_HEALTH_URL: ${(error as Error).message}`);
if (reason !== undefined) process.stdout.write(`${reason}\n`);
process.exitCode = reason === undefined ? 0 : 1;
