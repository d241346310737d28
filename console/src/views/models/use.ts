/** What a model is used for, and how two of its versions differ. Pure. */
import type { DeploymentView, ModelView } from '../../../../src/api/schemas.ts';

export type Version = ModelView['versions'][number];

/** `digits@champion` and `digits` are of the model `digits`. */
export const usedBy = (model: string, deployments: readonly DeploymentView[]): DeploymentView[] =>
  deployments.filter(({ model: reference }) => reference.split('@')[0] === model);

/** `champion, canary` of a version. */
export const aliasesOf = ({ aliases }: ModelView, version: number): string[] =>
  Object.entries(aliases)
    .filter(([, of]) => of === version)
    .map(([alias]) => alias)
    .toSorted();

/** `FP32 [-1, 1, 28, 28]`, -1 for any number. */
export const tensorWords = ({ datatype, shape }: Version['signature']['inputs'][number]): string =>
  `${datatype} [${shape.map((size) => (size === -1 ? 'any' : size)).join(', ')}]`;

export interface Difference {
  readonly what: string;
  readonly one: string;
  readonly other: string;
}

const tensors = (all: Version['signature']['inputs']): string =>
  all.map((tensor) => `${tensor.name} ${tensorWords(tensor)}`).join('; ') || 'none';

const facts: readonly (readonly [what: string, of: (version: Version) => string])[] = [
  ['digest', ({ digest }) => digest],
  ['size', ({ bytes }) => `${bytes} bytes`],
  ['platform', ({ platform }) => platform],
  ['inputs', ({ signature }) => tensors(signature.inputs)],
  ['outputs', ({ signature }) => tensors(signature.outputs)],
  ['labels', ({ labels }) => JSON.stringify(labels)],
  ['source', ({ provenance }) => provenance.source],
  ['added by', ({ provenance }) => provenance.by],
  ['note', ({ provenance }) => provenance.note ?? 'none'],
  ['settings', ({ content }) => content.settings],
  ['assets', ({ content }) => Object.keys(content.assets).toSorted().join(', ') || 'none'],
  ['signed by', ({ signers }) => signers.map(({ name, key }) => name ?? key).join(', ') || 'nobody'],
];

/** What is not the same, in a fixed order; nothing where all is. */
export const differences = (one: Version, other: Version): Difference[] =>
  facts
    .map(([what, of]) => ({ what, one: of(one), other: of(other) }))
    .filter((difference) => difference.one !== difference.other);

export type Signed = 'trusted' | 'unknown' | 'invalid' | 'unsigned';

/** One signature that does not fit is more than many that do. */
export function signedBy({ signers }: Version): Signed {
  if (signers.length === 0) return 'unsigned';
  if (signers.some(({ valid }) => !valid)) return 'invalid';
  return signers.some(({ name }) => name !== undefined) ? 'trusted' : 'unknown';
}
