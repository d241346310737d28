/**
 * The way of a file when nothing here decodes it: to the runtime as it came, one after another, and what the runtime says
 * of it back. A file that is refused fails its own item only.
 */
import { FlyballError, toFlyballError, catalogue } from '../../errors.ts';
import type { FailedItem } from '../../protocol/frames/messages.ts';
import type { FileCalls } from '../runtime.ts';
import type { FilePipeline } from './pipeline.ts';

export function passFiles(calls: FileCalls): FilePipeline {
  return {
    prepare: async (files) => ({ groups: [], failed: [], inputMs: 0, files }),
    async compute({ files }) {
      const failed: FailedItem[] = [];
      const readable: unknown[] = [];
      let computeMs = 0;
      for (const [index, file] of files.entries()) {
        try {
          const answer = await calls.run(file);
          readable.push(answer.readable);
          computeMs += answer.computeMs;
        } catch (thrown) {
          const { code, message } = toFlyballError(thrown);
          // Alone it is the whole call; and what fails for the whole replica is no file's fault, it may be tried elsewhere.
          if (files.length === 1 || catalogue[code].retry) throw thrown;
          failed.push({ index, code, message });
        }
      }
      return { kind: 'computed', outputs: [], failed, readable, inputMs: 0, computeMs };
    },
    blank() {
      throw new FlyballError('INTERNAL', 'a file that is passed on has no blank form');
    },
  };
}
