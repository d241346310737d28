/**
 * A replica without a model that lives for some milliseconds inside a runner that waits: started, warmed, asked and drained
 * like a real one, so that none of this is done, and compiled, for the first time when somebody waits for it.
 */
import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import { systemClock } from '../clock.ts';
import { loadSimulated } from '../drivers/runtimes/simulated.ts';
import { openFrameConnection } from '../protocol/frames/connection.ts';
import type { RunnerLaunch } from './launch.ts';
import { startRunner } from './runner.ts';

/** V8 compiles what has run so often; more changes nothing that can be measured. */
const calls = 100;
const timeoutMs = 5000;
const row = new Uint8Array(8);

export async function rehearse(socketPath: string): Promise<void> {
  const tensor = { name: 'x', datatype: 'FP32', shape: [-1, 2] } as const;
  const signature = { inputs: [tensor], outputs: [tensor], batchable: true };
  const runtime = { kind: 'simulated', signature, serviceMs: 0, serviceMsPerRow: 0 } as const;
  const launch: RunnerLaunch = {
    replica: 'rehearsal',
    model: 'rehearsal',
    version: '1',
    digest: '',
    runtime,
    warmUp: { batchSizes: [1], budgetMs: 0, samples: [] },
    listen: { kind: 'unix', path: socketPath },
  };
  rmSync(socketPath, { force: true });
  const loadModel = (_: RunnerLaunch['runtime'], signal: AbortSignal) => loadSimulated(runtime, signal);
  await using runner = await startRunner(launch, { clock: systemClock, loadModel });
  const over = Promise.withResolvers<void>();
  const cancel = systemClock.after(timeoutMs, over.resolve);
  let sent = 0;
  const ask = (): void => {
    sent += 1;
    if (sent > calls) return over.resolve();
    const parts = [{ ...tensor, shape: [1, 2], byteLength: row.byteLength }];
    connection.send('infer', { call: sent, items: [{ rows: 1, requestId: '' }], payload: { kind: 'tensors', parts } }, [
      row,
    ]);
  };
  const connection = openFrameConnection(
    connect(socketPath),
    {
      onFrame(...[kind, header]) {
        if (kind === 'result' || ((kind === 'hello' || kind === 'state') && header.state.kind === 'ready')) ask();
      },
      onClose: () => over.resolve(),
    },
    { frameBytesMax: 65_536 },
  );
  await over.promise;
  cancel();
  connection.destroy();
  runner.drain(0);
  await runner.ended;
}
