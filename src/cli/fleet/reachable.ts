/** Which of several addresses of the same thing to take: the first behind which somebody listens. */
import net from 'node:net';

const connectMsMax = 1500;

/** All are tried at once; the last one where nobody listens anywhere, so that the error names an address. */
export async function firstReachable(urls: readonly [string, ...string[]] | readonly string[]): Promise<string> {
  if (urls.length > 1) {
    const tried = await Promise.all(urls.map(listens));
    const found = urls.find((_url, index) => tried[index]);
    if (found !== undefined) return found;
  }
  return urls.at(-1) ?? '';
}

function listens(text: string): Promise<boolean> {
  const { hostname, port, protocol } = new URL(text);
  const usual = protocol === 'https:' || protocol === 'grpcs:' ? 443 : 80;
  return new Promise((resolve) => {
    const socket = net.connect({ host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? usual : Number(port) });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(connectMsMax, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
