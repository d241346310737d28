/**
 * Rehearsals that the platform makes itself: one at a time, in a thread of its own with the lowest priority, within limits
 * of work and time, so that neither a loop nor the API waits for one. Whoever asked follows the operation; what came of
 * it is kept like one that a command has made. One that was under way when control ended is not taken up again.
 */
import { Worker } from 'node:worker_threads';
import { toProblem } from '../api/problems.ts';
import type { OperationView } from '../api/schemas.ts';
import { FlyballError, toFlyballError } from '../errors.ts';
import { modulePath } from '../module-path.ts';
import type { RunInput, RunMessage } from '../rehearsal/run/run.ts';
import { publish } from '../telemetry/events.ts';
import type { ControlService } from './control-service.ts';
import type { Deployments } from './deployments.ts';
import type { Operations, RunningOperation } from './operations.ts';
import { rehearsalInput, type AskParts } from './rehearsal-ask.ts';

export interface RehearsalRunParts extends AskParts {
  readonly deployments: Pick<Deployments, 'get'>;
  readonly operations: Pick<Operations, 'start' | 'running'>;
  readonly keep: ControlService['keepRehearsal'];
  /** Milliseconds that a run may take at most. */
  readonly runMsMax?: number;
}

export interface RehearsalRuns extends AsyncDisposable {
  readonly service: Pick<ControlService, 'runRehearsal' | 'cancelOperation' | 'rehearsedBy'>;
}

interface Run {
  readonly deployment: string;
  operation?: RunningOperation;
  /** Ends the thread; the operation fails with the reason. */
  stop?: (reason: FlyballError) => Promise<void>;
}

const runMsMaxDefault = 600_000;
/** Of the thread; what its typed arrays take is bounded by the work that is let in. */
const heapMiBMax = 1024;

export function openRehearsalRuns(parts: RehearsalRunParts): RehearsalRuns {
  const { deployments, operations, keep, clock, runMsMax = runMsMaxDefault } = parts;
  let current: Run | undefined;

  function follow(run: Run, operation: RunningOperation, input: RunInput): void {
    const worker = new Worker(modulePath(import.meta.url, '../rehearsal/run/thread'), {
      workerData: input,
      name: 'rehearsal',
      resourceLimits: { maxOldGenerationSizeMb: heapMiBMax },
    });
    let endStep: ReturnType<RunningOperation['begin']> | undefined;
    let over = false;
    const finish = (end: () => void): void => {
      if (over) return;
      over = true;
      cancelLimit();
      if (current === run) current = undefined;
      end();
    };
    const fail = (error: FlyballError): void =>
      finish(() => {
        endStep?.('failed');
        operation.end(toProblem(error));
      });
    const stop = async (reason: FlyballError): Promise<void> => {
      fail(reason);
      await worker.terminate();
    };
    const minutes = Math.round(runMsMax / 60_000);
    const cancelLimit = clock.after(runMsMax, () => {
      const message = `it was not done after ${minutes} minutes; name fewer policies or a shorter trace`;
      void stop(new FlyballError('REHEARSAL_ENDED', message));
    });
    run.stop = stop;
    worker.on('message', (message: RunMessage) => {
      if (over) return;
      endStep?.('ok');
      endStep = undefined;
      if (message.kind === 'step') endStep = operation.begin(message.text);
      else if (message.kind === 'refused') fail(new FlyballError('INVALID_REQUEST', message.message));
      else {
        keep(input.deployment, message.request).then(
          ({ id }) =>
            finish(() => {
              operation.step(`kept as rehearsal ${id}`, 'ok');
              operation.keptAs(id);
              operation.end();
            }),
          (error: unknown) => fail(toFlyballError(error)),
        );
      }
    });
    worker.on('error', (error) => fail(new FlyballError('INTERNAL', wordsOf(error), { cause: error })));
    worker.on('exit', (code) => {
      if (code !== 0) fail(new FlyballError('INTERNAL', `the thread of the rehearsal ended by itself, with ${code}`));
    });
  }

  const cancel = async (run: Run, by: string): Promise<OperationView | undefined> => {
    await run.stop?.(new FlyballError('REHEARSAL_ENDED', `cancelled by ${by}`));
    return run.operation?.view();
  };

  return {
    service: {
      async runRehearsal(name, request) {
        const deployment = deployments.get(name);
        if (current !== undefined) {
          const { operation, deployment: busy } = current;
          const which = operation === undefined ? '' : ` (operation ${operation.id})`;
          throw new FlyballError('REHEARSAL_BUSY', `one of ${busy} is under way${which}, and there is one at a time`);
        }
        const run: Run = { deployment: name };
        current = run;
        try {
          const input = await rehearsalInput(deployment, request, parts);
          const order = { kind: 'rehearse', subject: name, by: request.by, deployments: [] } as const;
          const operation = await operations.start(order, async () => {});
          run.operation = operation;
          follow(run, operation, input);
          return operation.view();
        } catch (error) {
          if (current === run) current = undefined;
          throw error;
        }
      },
      async cancelOperation(id, by) {
        if (current?.operation?.id === id) {
          const subject = current.deployment;
          const ended = await cancel(current, by);
          if (ended !== undefined)
            publish('flyball:control', { action: 'cancel', subject, by, reason: `operation ${id}` });
          if (ended !== undefined) return ended;
        }
        const running = operations.running().find((one) => one.id === id);
        if (running === undefined)
          throw new FlyballError('OPERATION_NOT_FOUND', `there is no operation ${id} that is under way`);
        throw new FlyballError(
          'CONFLICT',
          `${running.kind} cannot be cancelled; expected an operation of kind rehearse`,
        );
      },
      rehearsedBy: (id) => (current?.operation?.id === id ? current.deployment : undefined),
    },
    async [Symbol.asyncDispose]() {
      await current?.stop?.(
        new FlyballError('REHEARSAL_ENDED', 'control was stopped, and the rehearsal ended with it'),
      );
    },
  };
}

function wordsOf(error: Error & { readonly code?: string }): string {
  if (error.code === 'ERR_WORKER_OUT_OF_MEMORY')
    return `the rehearsal needs more memory than the ${heapMiBMax} MiB that it may have; name fewer policies or a shorter trace`;
  return error.message;
}
