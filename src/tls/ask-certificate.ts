/**
 * Asks control's doors for the next certificate of an identity: `POST /certificates` over mutual TLS with the present one.
 * The public key goes there, the certificate comes back; the private key leaves nobody's memory.
 */
import https from 'node:https';
import type { TLSSocket } from 'node:tls';
import { callOptions, type PeerIdentity } from './peer.ts';
import { RefusedForGood } from './renewing.ts';

export const certificatesPath = '/certificates';
const silentMs = 10_000;
const bytesMax = 65_536;

/** For `keepRenewed`: the doors one after another (`https://10.0.0.1:8003`), until one has answered. */
export function askDoors(doors: readonly string[], identity: PeerIdentity) {
  return async (publicKey: string, signal: AbortSignal): Promise<string> => {
    const errors: Error[] = [];
    for (const door of doors) {
      try {
        return await post(new URL(certificatesPath, door), identity, publicKey, signal);
      } catch (error) {
        signal.throwIfAborted();
        errors.push(error as Error);
      }
    }
    throw errors.find((error) => error instanceof RefusedForGood) ?? errors.at(-1) ?? new Error('there is no door');
  };
}

function post(url: URL, identity: PeerIdentity, publicKey: string, signal: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let isPeer = false;
  const request = https.request(
    url,
    {
      ...callOptions(identity, 'control'),
      method: 'POST',
      agent: false,
      signal,
      timeout: silentMs,
      headers: { 'content-type': 'application/x-pem-file', 'content-length': Buffer.byteLength(publicKey) },
    },
    (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        text += piece;
        if (text.length > bytesMax) request.destroy(new Error(`${url.origin} answered more than ${bytesMax} bytes`));
      });
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) return resolve(text);
        const words = `${url.origin} answered ${response.statusCode}${text === '' ? '' : `: ${text.slice(0, 500).trim()}`}`;
        reject(response.statusCode === 403 ? new RefusedForGood(words) : new Error(words));
      });
    },
  );
  request.on('socket', (socket) => {
    (socket as TLSSocket).once('secureConnect', () => (isPeer = true));
  });
  request.on('timeout', () => request.destroy(new Error(`${url.origin} said nothing for ${silentMs} ms`)));
  request.on('error', (error) => {
    // It has shown that it is control, and then did not take what it was shown: TLS 1.3 says no more than that.
    const closed =
      isPeer && !signal.aborted && ['ECONNRESET', 'EPIPE'].includes((error as { code?: string }).code ?? '');
    reject(closed ? new RefusedForGood(`control at ${url.origin} does not take it`, { cause: error }) : error);
  });
  request.end(publicKey);
  return promise;
}
