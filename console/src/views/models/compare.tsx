/** Two versions side by side: only what is not the same. */
import type { JSX } from 'preact';
import { choose, type Params } from '../../router.ts';
import { differences, type Version } from './use.ts';

interface CompareProps {
  /** Newest first; at least two. */
  readonly versions: readonly Version[];
  readonly query: Params;
}

export function Compare({ versions, query }: CompareProps): JSX.Element {
  const [newest, before] = versions as readonly [Version, Version];
  const chosen = (key: string, otherwise: Version): Version =>
    versions.find(({ version }) => String(version) === query[key]) ?? otherwise;
  const [one, other] = [chosen('one', before), chosen('other', newest)];
  const found = differences(one, other);
  const select = (key: string, label: string, value: Version): JSX.Element => (
    <label class="select">
      <span class="sr-only">{label}</span>
      <select value={value.version} onChange={({ currentTarget }) => choose({ [key]: currentTarget.value })}>
        {versions.map(({ version }) => (
          <option key={version} value={version}>
            version {version}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <section class="panel" aria-labelledby="compare">
      <div class="panel-head">
        <h2 id="compare">Compare</h2>
        <p class="tools">
          {select('one', 'First version', one)} with {select('other', 'Second version', other)}
        </p>
      </div>
      {found.length === 0 ? (
        <p class="muted">
          {one === other ? 'It is the same version.' : 'Nothing that is known of them differs but their numbers.'}
        </p>
      ) : (
        <table class="plain-table">
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col">Version {one.version}</th>
              <th scope="col">Version {other.version}</th>
            </tr>
          </thead>
          <tbody>
            {found.map((difference) => (
              <tr key={difference.what}>
                <th scope="row">{difference.what}</th>
                <td data-label={`Version ${one.version}`} class="compared">
                  {difference.one}
                </td>
                <td data-label={`Version ${other.version}`} class="compared">
                  {difference.other}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
