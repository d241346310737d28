/** One model: its versions with who made and signed them, what they take and give, and two of them side by side. */
import type { JSX } from 'preact';
import type { ModelView } from '../../../../src/api/schemas.ts';
import { status } from '../../live/store.ts';
import { Badge, toneOf, type Tone } from '../../parts/badge.tsx';
import { Figure } from '../../parts/figure.tsx';
import { Moment } from '../../parts/moment.tsx';
import type { Params } from '../../router.ts';
import { AliasHistory } from './history.tsx';
import { Compare } from './compare.tsx';
import { aliasesOf, signedBy, tensorWords, usedBy, type Signed, type Version } from './use.ts';

const signedTones: Readonly<Record<Signed, Tone>> = {
  trusted: 'ok',
  unknown: 'warn',
  invalid: 'bad',
  unsigned: 'quiet',
};
const signedWords: Readonly<Record<Signed, string>> = {
  trusted: 'signed',
  unknown: 'signed by a stranger',
  invalid: 'signature does not fit',
  unsigned: 'unsigned',
};

export function ModelPage({ model, query }: { readonly model: ModelView; readonly query: Params }): JSX.Element {
  const { name } = model;
  const versions = model.versions.toSorted((left, right) => right.version - left.version);
  const uses = usedBy(name, status.value?.deployments ?? []);
  const [newest] = versions;
  return (
    <>
      <div class="page-head">
        <h1>{name}</h1>
        <p class="summary">
          {versions.length} {versions.length === 1 ? 'version' : 'versions'}
          <span class="dot"> · </span>
          {uses.length === 0 ? 'serves nowhere' : 'serves in '}
          {uses.map((use) => (
            <span key={use.name}>
              <a href={`/d/${encodeURIComponent(use.name)}`}>{use.name}</a> (
              <Badge tone={toneOf(use.state)} word={use.serving === undefined ? use.state : `version ${use.serving}`} />
              ){' '}
            </span>
          ))}
        </p>
        <p class="tools">
          <a class="button" href="/models">
            All models
          </a>
        </p>
      </div>
      <section class="panel" aria-labelledby="versions">
        <h2 id="versions">Versions</h2>
        <table class="plain-table">
          <thead>
            <tr>
              <th scope="col">Version</th>
              <th scope="col">Aliases</th>
              <th scope="col">Added</th>
              <th scope="col">From</th>
              <th scope="col" class="number">
                Size
              </th>
              <th scope="col">Signature</th>
              <th scope="col">Digest</th>
            </tr>
          </thead>
          <tbody>
            {versions.map((version) => (
              <VersionRow key={version.version} version={version} aliases={aliasesOf(model, version.version)} />
            ))}
          </tbody>
        </table>
      </section>
      <div class="halves">
        {newest !== undefined && <Signature version={newest} />}
        <AliasHistory model={name} />
      </div>
      {versions.length > 1 && <Compare versions={versions} query={query} />}
    </>
  );
}

function VersionRow({
  version,
  aliases,
}: {
  readonly version: Version;
  readonly aliases: readonly string[];
}): JSX.Element {
  const { createdAt, provenance, bytes, digest, signers } = version;
  const signed = signedBy(version);
  return (
    <tr>
      <th scope="row">{version.version}</th>
      <td data-label="Aliases">
        {aliases.map((alias) => (
          <span key={alias} class="tag">
            {alias}
          </span>
        ))}
        {aliases.length === 0 && <span class="muted">none</span>}
      </td>
      <td data-label="Added">
        <Moment at={createdAt} relative /> <span class="muted">by {provenance.by}</span>
      </td>
      <td data-label="From">
        {provenance.source}
        {provenance.note !== undefined && <span class="muted"> · {provenance.note}</span>}
      </td>
      <td class="number" data-label="Size">
        <Figure value={bytes} unit="bytes" label={`Version ${version.version}: size`} source="the registry" />
      </td>
      <td data-label="Signature">
        <Badge tone={signedTones[signed]} word={signedWords[signed]} />
        {signers.length > 0 && <span class="muted"> {signers.map(({ name, key }) => name ?? key).join(', ')}</span>}
      </td>
      <td data-label="Digest">
        <code class="digest" title={digest}>
          {digest.slice(0, 19)}…
        </code>
      </td>
    </tr>
  );
}

function Signature({ version }: { readonly version: Version }): JSX.Element {
  const { signature, platform, description } = version;
  const rows = (kind: string, tensors: Version['signature']['inputs']): JSX.Element[] =>
    tensors.map((tensor) => (
      <tr key={`${kind} ${tensor.name}`}>
        <th scope="row">
          <code>{tensor.name}</code>
        </th>
        <td data-label="Direction">{kind}</td>
        <td data-label="Type">
          <code>{tensorWords(tensor)}</code>
        </td>
      </tr>
    ));
  return (
    <section class="panel" aria-labelledby="takes">
      <h2 id="takes">What version {version.version} takes and gives</h2>
      {description !== undefined && <p>{description}</p>}
      <table class="plain-table">
        <thead>
          <tr>
            <th scope="col">Tensor</th>
            <th scope="col">Direction</th>
            <th scope="col">Type</th>
          </tr>
        </thead>
        <tbody>
          {rows('input', signature.inputs)}
          {rows('output', signature.outputs)}
        </tbody>
      </table>
      <p class="muted">
        {platform}; {signature.batchable ? 'requests may share a call' : 'each request is a call of its own'}
      </p>
    </section>
  );
}
