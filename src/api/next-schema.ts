/** What comes next of a deployment if its load stays as it is. */
import * as z from 'zod';
import { nextRules } from '../core/scaling/next.ts';

const asOf = z.int().describe('When this was reckoned, from the load of then.');
export const nextView = z
  .discriminatedUnion('kind', [
    z.object({
      kind: z.literal('change'),
      at: z.int(),
      from: z.int(),
      to: z.int(),
      rule: z.enum(nextRules).describe('What takes hold or lets go then; policy: its own rule asks for it.'),
      by: z.string().describe('Who asks for it.'),
      reason: z.string(),
      recommended: z.boolean().describe('It is only recommended: the mode is not auto, or the deployment is halted.'),
      asOf,
    }),
    z.object({
      kind: z.literal('none'),
      until: z.int().describe('Nothing changes before then.'),
      ends: z
        .enum(['horizon', 'judged'])
        .describe('judged: by then it is judged what came of the last change, which nobody can say before.'),
      asOf,
    }),
    z.object({ kind: z.literal('unknown'), reason: z.string(), asOf }),
  ])
  .describe('The first change of its target if the load stays as it is, within ten minutes.');

export type NextView = z.infer<typeof nextView>;
