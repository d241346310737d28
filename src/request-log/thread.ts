/** The thread that writes the request log; started by request-log.ts, which it answers with what it has dealt with. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { openFileSink } from './files.ts';
import { openHttpSink } from './http-sink.ts';
import type { LogConfirmation, LogMessage, SinkSettings } from './record.ts';
import { openLogWriter } from './writer.ts';

const keyBytes = 32;

/** One key for all workers, made by whoever is first: equal values have equal hashes, and nobody else can try values. */
function keyAt(path: string): Uint8Array {
  try {
    writeFileSync(path, randomBytes(keyBytes), { flag: 'wx', mode: 0o600, flush: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const key = readFileSync(path);
  if (key.byteLength !== keyBytes) throw new Error(`${path}: expected a key of ${keyBytes} bytes; remove it`);
  return key;
}

const port = parentPort;
if (port === null) throw new Error('the thread of the request log is started by the gateway');
const settings = workerData as SinkSettings;
const closing = new AbortController();
const sink = settings.url === undefined ? openFileSink(settings) : openHttpSink(settings.url, settings.timeoutMs);
const confirm = (confirmation: LogConfirmation): void => port.postMessage(confirmation);
const writer = openLogWriter(sink, keyAt(settings.keyPath), confirm, closing.signal);
async function finish(): Promise<void> {
  await writer.idle();
  sink.close();
  port?.close();
}
port.on('message', (message: LogMessage | 'close') => {
  if (message === 'close') void finish();
  else writer.take(message);
});
