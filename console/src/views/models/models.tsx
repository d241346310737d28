/** Which models there are, their versions and aliases, and where each serves. */
import type { JSX } from 'preact';
import type { ModelView } from '../../../../src/api/schemas.ts';
import { ask } from '../../api/client.ts';
import { journal, status } from '../../live/store.ts';
import { valueOf } from '../../live/resource.ts';
import { useResource } from '../../live/use-resource.ts';
import { Moment } from '../../parts/moment.tsx';
import { Async, Empty } from '../../parts/states.tsx';
import { choose } from '../../router.ts';
import type { ViewProps } from '../../views.ts';
import { ModelPage } from './model-page.tsx';
import { usedBy } from './use.ts';
import '../../styles/tables.css';
import './models.css';

export default function Models({ params, query }: ViewProps): JSX.Element {
  // What is written about models is written in the journal, too.
  const newest = journal.value.findLast(({ kind }) => kind === 'change')?.id ?? 0;
  const models = useResource(`models ${newest}`, (signal) => ask<ModelView[]>('/models', { signal }), {
    everyMs: 10_000,
  });
  const { name } = params;
  if (name === undefined) return <ModelList models={models} text={query['filter'] ?? ''} />;
  const model = valueOf(models.resource)?.find((each) => each.name === name);
  return (
    <>
      {model === undefined && (
        <div class="page-head">
          <h1>{name}</h1>
        </div>
      )}
      <Async of={models}>
        {() =>
          model === undefined ? (
            <Empty title={`There is no model ${name}.`} command="flyball models">
              It may have been removed. <a href="/models">All models</a>
            </Empty>
          ) : (
            <ModelPage model={model} query={query} />
          )
        }
      </Async>
    </>
  );
}

interface ListProps {
  readonly models: ReturnType<typeof useResource<ModelView[]>>;
  readonly text: string;
}

function ModelList({ models, text }: ListProps): JSX.Element {
  const deployments = status.value?.deployments ?? [];
  return (
    <>
      <div class="page-head">
        <h1>Models</h1>
        <form class="tools" role="search" onSubmit={(event) => event.preventDefault()}>
          <label class="field inline">
            <span class="sr-only">Filter models</span>
            <input
              type="search"
              data-search
              placeholder="Filter by name or alias"
              value={text}
              onInput={({ currentTarget }) => choose({ filter: currentTarget.value })}
            />
          </label>
        </form>
      </div>
      <Async of={models} lines={5}>
        {(all) => {
          const wanted = text.trim().toLowerCase();
          const shown = all.filter(({ name, aliases }) =>
            [name, ...Object.keys(aliases)].join(' ').toLowerCase().includes(wanted),
          );
          if (all.length === 0)
            return (
              <Empty title="No model is kept here yet." command="flyball models add digits ./model.onnx">
                A model that is added gets a number that is never given twice, and may be signed.
              </Empty>
            );
          if (shown.length === 0) return <Empty title={`No model is called “${text}”.`} />;
          return (
            <div class="panel">
              <table class="plain-table">
                <thead>
                  <tr>
                    <th scope="col">Model</th>
                    <th scope="col" class="number">
                      Versions
                    </th>
                    <th scope="col">Aliases</th>
                    <th scope="col">Newest</th>
                    <th scope="col">Serves in</th>
                  </tr>
                </thead>
                <tbody>
                  {shown.map(({ name, versions, aliases }) => {
                    const newest = versions.reduce((last, { createdAt }) => Math.max(last, createdAt), 0);
                    const uses = usedBy(name, deployments);
                    return (
                      <tr key={name}>
                        <th scope="row">
                          <a href={`/models/${encodeURIComponent(name)}`}>{name}</a>
                        </th>
                        <td class="number" data-label="Versions">
                          {versions.length}
                        </td>
                        <td data-label="Aliases">
                          {Object.entries(aliases).map(([alias, version]) => (
                            <span key={alias} class="tag">
                              {alias} → {version}
                            </span>
                          ))}
                          {Object.keys(aliases).length === 0 && <span class="muted">none</span>}
                        </td>
                        <td data-label="Newest">{newest === 0 ? 'none' : <Moment at={newest} relative />}</td>
                        <td data-label="Serves in">
                          {uses.length === 0 ? (
                            <span class="muted">nowhere</span>
                          ) : (
                            uses.map((use) => (
                              <a key={use.name} class="tag" href={`/d/${encodeURIComponent(use.name)}`}>
                                {use.name}
                              </a>
                            ))
                          )}
                        </td>
                      </tr>
                    );
                  })}
                </tbody>
              </table>
            </div>
          );
        }}
      </Async>
    </>
  );
}
