/**
 * Whose signatures count, and whether one is needed: what `registry.trustedKeys` and `registry.requireSignature` mean.
 * It reads records and touches no file: that the bytes are those of the record is seen when they are opened.
 * Invariant: `require` returns only for a version whose record, as it is now, was signed by a key that is trusted now.
 */
import { FlyballError } from '../errors.ts';
import type { VersionRecord } from '../store/store.ts';
import { isSignatureOf, parseSignature, settingsDigest, type VersionContent } from './signing.ts';
import { parsePublicKey, publicKeyText } from './signing-keys.ts';

export type SignedRecord = Pick<
  VersionRecord,
  'model' | 'version' | 'digest' | 'modelFile' | 'file' | 'assets' | 'signatures'
>;

export interface Signer {
  /** Name among the trusted keys; absent for a key that is not trusted. */
  readonly name?: string;
  readonly key: string;
  /** Whether the signature is of this version as it is now. */
  readonly valid: boolean;
}

export interface Trust {
  readonly required: boolean;
  signers(record: SignedRecord): readonly Signer[];
  /** Nothing where no signature is required. SIGNATURE_REQUIRED, SIGNATURE_UNTRUSTED, SIGNATURE_INVALID. */
  require(record: SignedRecord): void;
}

export interface TrustSettings {
  readonly requireSignature?: boolean | undefined;
  /** Name → public key. */
  readonly trustedKeys?: Readonly<Record<string, string>> | undefined;
}

export function contentOf({ model, digest, file, modelFile, assets }: SignedRecord): VersionContent {
  return { model, digest, file, settings: settingsDigest(modelFile), assets };
}

/** INVALID_SPECIFICATION for a key that is none. */
export function openTrust({ requireSignature = false, trustedKeys = {} }: TrustSettings): Trust {
  const names = new Map(Object.entries(trustedKeys).map(([name, key]) => [publicKeyText(parsePublicKey(key)), name]));

  const signers = (record: SignedRecord): readonly Signer[] =>
    (record.signatures ?? []).map((text) => {
      const signature = parseSignature(text);
      const name = names.get(signature.key);
      const signer: Signer = { key: signature.key, valid: isSignatureOf(signature, contentOf(record), record.version) };
      return name === undefined ? signer : Object.assign(signer, { name });
    });

  return {
    required: requireSignature,
    signers,
    require(record) {
      if (!requireSignature) return;
      const found = signers(record);
      if (found.some(({ name, valid }) => name !== undefined && valid)) return;
      const subject = `${record.model}:${record.version}`;
      const rule = 'registry.requireSignature lets only versions load that one of registry.trustedKeys has signed';
      if (found.length === 0) {
        throw new FlyballError('SIGNATURE_REQUIRED', `${subject} is not signed; ${rule}`);
      }
      const trusted = found.filter(({ name }) => name !== undefined);
      if (trusted.length === 0) {
        const keys = found.map(({ key }) => key).join(', ');
        throw new FlyballError('SIGNATURE_UNTRUSTED', `${subject} is signed by ${keys}, which is not trusted; ${rule}`);
      }
      const by = trusted.map(({ name }) => name).join(', ');
      throw new FlyballError(
        'SIGNATURE_INVALID',
        `${subject} is not what ${by} signed: it was altered since, or the signature is for another name or number`,
      );
    },
  };
}
