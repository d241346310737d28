/** Names as the specification takes them, and who may move a target: what several parts of the schema share. */
import * as z from 'zod';

/** Names of models, deployments and aliases: what is safe in a path, a file name and a metric label. */
export const namePattern = /^[a-zA-Z0-9](?:[a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?$/;
export const name = z
  .string()
  .regex(namePattern, 'a name has 1 to 63 of a-z A-Z 0-9 . _ - and begins and ends with a letter or digit');

/** Triton's path for the statistics of all models is /v2/models/stats: a deployment of that name could not be asked about. */
export const reservedNames: ReadonlySet<string> = new Set(['stats']);
export const deploymentName = name.refine((value) => !reservedNames.has(value), {
  error: 'this name is taken by the protocol (/v2/models/stats)',
});

/** Who may move a deployment's target: people alone, the governor once a person agrees, or the governor. */
export const modes = ['advise', 'approve', 'auto'] as const;
export type Mode = (typeof modes)[number];
