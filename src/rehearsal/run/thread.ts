/**
 * The thread in which the platform rehearses; started by control/rehearsal-runs.ts, which it tells how far it is. It has
 * the lowest priority, so that it takes of the processor what control, gateways and replicas leave.
 */
import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../clock.ts';
import { AskRefused } from '../plan/ask.ts';
import { runRehearsal, type RunInput, type RunMessage } from './run.ts';

const port = parentPort;
if (port === null) throw new Error('the thread of a rehearsal is started by control');
const tell = (message: RunMessage): void => port.postMessage(message);

// On Linux the priority is of the thread that asks; elsewhere it would be of the whole process.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_LOW);

try {
  const onStep = (text: string): void => tell({ kind: 'step', text });
  const request = runRehearsal(workerData as RunInput, onStep, () => systemClock.now());
  tell({ kind: 'done', request });
} catch (error) {
  if (!(error instanceof AskRefused)) throw error;
  const { message, hint } = error;
  tell({ kind: 'refused', message: hint === undefined ? message : `${message}; ${hint}` });
}
