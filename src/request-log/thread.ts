/** The thread that writes the request log; started by request-log.ts, which it answers with what it has dealt with. */
import { parentPort, workerData } from 'node:worker_threads';
import { openFileSink } from './files.ts';
import { openHttpSink } from './http-sink.ts';
import { logKeyAt } from './key.ts';
import type { LogConfirmation, LogMessage, SinkSettings } from './record.ts';
import { openLogWriter } from './writer.ts';

const port = parentPort;
if (port === null) throw new Error('the thread of the request log is started by the gateway');
const settings = workerData as SinkSettings;
const closing = new AbortController();
const sink = settings.url === undefined ? openFileSink(settings) : openHttpSink(settings.url, settings.timeoutMs);
const confirm = (confirmation: LogConfirmation): void => port.postMessage(confirmation);
const writer = openLogWriter(sink, logKeyAt(settings.keyPath), confirm, closing.signal);
async function finish(): Promise<void> {
  await writer.idle();
  sink.close();
  port?.close();
}
port.on('message', (message: LogMessage | 'close') => {
  if (message === 'close') void finish();
  else writer.take(message);
});
