/** Records of the store as the control API shows them: local details (artefacts, model file) stay inside. */
import type { ModelView, VersionView } from '../api/schemas.ts';
import type { ModelSignature, TensorSpec } from '../protocol/tensor.ts';
import type { AliasRecord, VersionRecord } from '../store/store.ts';
import { contentOf, type Trust } from './trust.ts';

const toSpec = ({ name, datatype, shape }: TensorSpec) => ({ name, datatype, shape: [...shape] });

const toSignature = ({ inputs, outputs, batchable }: ModelSignature): VersionView['signature'] => ({
  inputs: inputs.map(toSpec),
  outputs: outputs.map(toSpec),
  batchable,
});

export function toVersionView(record: VersionRecord, trust: Pick<Trust, 'signers'>): VersionView {
  const { file, settings, assets } = contentOf(record);
  const { pipeline, server } = record.modelFile;
  return {
    version: record.version,
    digest: record.digest,
    bytes: record.bytes,
    createdAt: record.createdAt,
    platform: record.platform,
    signature: toSignature(record.signature),
    labels: { ...record.labels },
    provenance: { ...record.provenance },
    content: { ...(file === undefined ? {} : { file }), settings, assets: { ...assets } },
    signers: [...trust.signers(record)],
    takesFiles: pipeline !== undefined || server?.takesFiles === true,
    ...(pipeline === undefined ? {} : { pipeline }),
    ...(record.description === undefined ? {} : { description: record.description }),
  };
}

export function toModelView(
  name: string,
  versions: readonly VersionRecord[],
  aliases: readonly AliasRecord[],
  trust: Pick<Trust, 'signers'>,
): ModelView {
  return {
    name,
    versions: versions.filter(({ model }) => model === name).map((version) => toVersionView(version, trust)),
    aliases: Object.fromEntries(
      aliases.filter(({ model }) => model === name).map(({ alias, version }) => [alias, version]),
    ),
  };
}
