/** What signing in takes and answers. */
import * as z from 'zod';
import { scopes } from '../../core/access/scopes.ts';

export const signInRequest = z.strictObject({ key: z.string().min(1).max(256).describe('An API key.') });

export const callerView = z.object({
  auth: z.enum(['none', 'required']).describe('`none`: nobody needs a key, and callers say themselves who they are.'),
  name: z.string().optional().describe('Whose key it is.'),
  scopes: z.array(z.enum(scopes)).describe('What may be done: admin > operate > read; admin > infer.'),
  deployments: z.array(z.string()).optional().describe('Only these; absent: every one, and the platform as a whole.'),
  signedInUntil: z.int().optional().describe('Absent where the key itself was presented.'),
  version: z.string().describe('Of this software.'),
});
export type CallerView = z.infer<typeof callerView>;
