/** Rules between the keys of another server as a replica, wherever it is declared. Pure. */
import type { ServerSettings } from './model-file.ts';
import type { ConfigurationProblem } from './problems.ts';

/** Placeholders of `command`, `address` and `env`. */
const placeholder = /\{(?!port\}|port:[a-zA-Z0-9_-]+\}|model\}|files\})[a-z]+(?::[^}]*)?\}/;

export function checkServer(path: readonly string[], server: ServerSettings): ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = [];
  const add = (key: string, text: string): void => void problems.push({ path: [...path, key], text });
  const { image, command, address, protocol, inputs, outputs, takesFiles } = server;
  const isStarted = command !== undefined || image !== undefined;
  if (!isStarted && address === undefined) {
    const text = 'expected a command that starts the server, an image that it is in, or the address of one that runs';
    problems.push({ path, text });
  }
  if (command?.[0] === '') add('command', 'expected the name of a program first, got nothing');
  if (address !== undefined) {
    const url = URL.parse(address.replaceAll(/\{port(?::[^}]*)?\}/g, '1'));
    if (url === null || !['http:', 'https:'].includes(url.protocol) || url.search !== '' || url.hash !== '') {
      add('address', `expected http://host:port, with or without a path, got ${address}`);
    } else if (url.username !== '' || url.password !== '') {
      add('address', 'expected no user and password in it: a version keeps them for ever, and everybody can read them');
    }
  }
  if (!isStarted) {
    if (/\{port[:}]/.test(address ?? ''))
      add('address', 'names {port}, but only a command or an image is given a port');
    for (const key of ['files', 'env'] as const) {
      if (Object.keys(server[key]).length > 0) add(key, 'is for a command or an image, and there is neither');
    }
  }
  const filled = { command: command ?? [], address: [address ?? ''], env: Object.values(server.env) };
  for (const [key, texts] of Object.entries(filled)) {
    const [unknown] = texts.flatMap((text) => placeholder.exec(text)?.[0] ?? []);
    if (unknown !== undefined) add(key, `expected {port}, {port:NAME}, {model} or {files}, got ${unknown}`);
  }
  if ((inputs === undefined) !== (outputs === undefined)) {
    add(inputs === undefined ? 'inputs' : 'outputs', 'is missing: a signature is declared whole or not at all');
  }
  if (takesFiles && protocol !== 'torchserve') add('takesFiles', `is for torchserve, but the protocol is ${protocol}`);
  if (protocol !== 'v2' && inputs === undefined && !takesFiles) {
    add(
      'inputs',
      `is missing: a server of ${protocol} cannot be asked what it takes, so inputs and outputs are declared`,
    );
  }
  if (protocol === 'v1' && server.version !== undefined) add('version', 'is not part of the paths of v1');
  if (protocol !== 'v2' && server.binary === 'on') add('binary', `is for v2, but the protocol is ${protocol}`);
  return problems;
}
