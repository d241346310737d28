/** A real SMTP server (smtp-server) that behaves as it is told, for tests of whoever sends mail. */
import { readFileSync } from 'node:fs';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { Behaviour } from './conformance/notifier.ts';

export interface SmtpReceiver extends AsyncDisposable {
  readonly port: number;
  readonly received: string[];
  readonly envelopes: { readonly from: string; readonly to: readonly string[] }[];
  /** How callers have signed in: PLAIN, LOGIN. */
  readonly signIns: string[];
  behave(as: Behaviour): void;
}

export interface SmtpSettings {
  readonly tls: 'starttls' | 'implicit' | 'none';
  readonly certificate?: string;
  readonly key?: string;
  readonly login?: { readonly user: string; readonly password: string };
  readonly methods?: readonly string[];
  /** Addresses that are not known here. */
  readonly unknown?: readonly string[];
}

const answer = (words: string, responseCode: number): Error => Object.assign(new Error(words), { responseCode });

export async function smtpReceiver(settings: SmtpSettings): Promise<SmtpReceiver> {
  const { tls, certificate, key, login, methods = ['PLAIN', 'LOGIN'], unknown = [] } = settings;
  const received: string[] = [];
  const envelopes: { from: string; to: string[] }[] = [];
  const signIns: string[] = [];
  let behaviour: Behaviour = 'takes';
  const files = certificate !== undefined &&
    key !== undefined && { cert: readFileSync(certificate), key: readFileSync(key) };
  const options: SMTPServerOptions = {
    ...files,
    secure: tls === 'implicit',
    disabledCommands: [...(tls === 'none' ? ['STARTTLS'] : []), ...(login === undefined ? ['AUTH'] : [])] as never,
    authOptional: login === undefined,
    authMethods: [...methods],
    allowInsecureAuth: tls === 'none',
    disableReverseLookup: true,
    onAuth({ username, password, method }, _session, done) {
      signIns.push(method);
      if (username === login?.user && password === login?.password) done(null, { user: username });
      else done(answer('Invalid username or password', 535));
    },
    onMailFrom(_address, _session, done) {
      done(behaviour === 'busy' ? answer('try again later', 451) : null);
    },
    onRcptTo({ address }, _session, done) {
      done(behaviour === 'refuses' || unknown.includes(address) ? answer('no such user here', 550) : null);
    },
    onData(stream, { envelope }, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        if (behaviour === 'broken') {
          done(answer('local error in processing', 451));
          return;
        }
        received.push(Buffer.concat(chunks).toString());
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
        envelopes.push({ from, to: envelope.rcptTo.map(({ address }) => address) });
        done(null, 'queued as 4711');
      });
    },
  };
  const smtp = new SMTPServer(options);
  smtp.on('error', () => undefined);
  await new Promise<void>((resolve) => void smtp.listen(0, '127.0.0.1', resolve));
  const own = (smtp.server.address() as AddressInfo).port;
  const front = await frontOf(own, () => behaviour);
  return {
    port: (front.server.address() as AddressInfo).port,
    received,
    envelopes,
    signIns,
    behave: (as) => void (behaviour = as),
    async [Symbol.asyncDispose]() {
      if (!front.server.listening) return;
      for (const socket of front.sockets) socket.destroy();
      await new Promise((resolve) => void front.server.close(resolve));
      await new Promise<void>((resolve) => smtp.close(() => resolve()));
    },
  };
}

/** What no SMTP server would do is done before it is reached. */
async function frontOf(port: number, behaviour: () => Behaviour): Promise<{ server: Server; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    const as = behaviour();
    if (as === 'hangs') return;
    if (as === 'garbage') {
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n\u0000\u0001\r\n');
      return;
    }
    if (as === 'breaks off') {
      socket.write('220-half a gree', () => socket.destroy());
      return;
    }
    const inner = connect(port, '127.0.0.1');
    sockets.add(inner);
    inner.on('error', () => socket.destroy());
    inner.on('close', () => socket.destroy());
    socket.on('close', () => inner.destroy());
    socket.pipe(inner).pipe(socket);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return { server, sockets };
}
