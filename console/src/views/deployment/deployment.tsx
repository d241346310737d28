/** Does it meet its objective, and why does it have this capacity? One deployment over time, from the platform's own series. */
import type { JSX } from 'preact';
import type { DeploymentView } from '../../../../src/api/schemas.ts';
import { caller } from '../../api/caller.ts';
import { status } from '../../live/store.ts';
import { Badge, toneOf } from '../../parts/badge.tsx';
import { whyAddress } from '../../parts/figure.tsx';
import { ViewOf } from '../../parts/lazy.tsx';
import { Empty, Unheard } from '../../parts/states.tsx';
import type { Params } from '../../router.ts';
import type { ViewProps } from '../../views.ts';
import { Charts } from './charts.tsx';
import { Facts } from './facts.tsx';
import { Proposals } from './proposals.tsx';
import { Replicas } from './replicas.tsx';
import { tabOf, TabLinks, tabViews } from './tabs.tsx';
import { useWhy } from './use-why.ts';
import '../../styles/deployment.css';

export default function Deployment({ params: { name }, query }: ViewProps): JSX.Element {
  const { value: seen } = status;
  if (seen === undefined)
    return (
      <>
        <div class="page-head">
          <h1>{name ?? 'Deployment'}</h1>
        </div>
        <Unheard lines={8} />
      </>
    );
  if (name === undefined) return <Choice />;
  const deployment = seen.deployments.find((each) => each.name === name);
  if (deployment === undefined) return <Missing name={name} />;
  const { state, model, serving, target, note, reason, governor } = deployment;
  const isMoving = target !== undefined && serving !== undefined && target !== serving;
  return (
    <>
      <div class="page-head">
        <h1>{name}</h1>
        <Badge tone={toneOf(state)} word={state} />
        <span class="muted">
          {model}, {isMoving ? `version ${serving} → ${target}` : `version ${serving ?? target ?? 'none yet'}`}
        </span>
        {governor !== undefined && (
          <span class={`mode-chip ${governor.mode}`} title={`by ${governor.modeBy}: ${governor.modeReason}`}>
            {governor.mode}
          </span>
        )}
        <span class="tools">
          <a class="button" href={whyAddress(name)} data-why={name}>
            Why this capacity?
          </a>
        </span>
      </div>
      {(reason ?? note) !== undefined && <p class="page-note muted">{reason ?? note}</p>}
      <Facts deployment={deployment} at={seen.at} />
      <Tabs deployment={deployment} query={query} />
    </>
  );
}

function Tabs({ deployment, query }: { readonly deployment: DeploymentView; readonly query: Params }): JSX.Element {
  const { name } = deployment;
  const tab = tabOf(query);
  return (
    <>
      <TabLinks name={name} tab={tab} query={query} />
      {tab === 'time' ? (
        <Asked key={name} deployment={deployment} query={query} />
      ) : (
        <ViewOf key={`${tab} ${name}`} view={tabViews[tab]} params={{ name }} query={query} />
      )}
    </>
  );
}

/** The decision of now is asked once for all who show something of it. */
function Asked({ deployment, query }: { readonly deployment: DeploymentView; readonly query: Params }): JSX.Element {
  const why = useWhy(deployment.name);
  return (
    <>
      <Charts deployment={deployment} query={query} why={why} />
      <div class="happenings">
        <Proposals why={why} />
        <Replicas deployment={deployment} />
      </div>
    </>
  );
}

function Choice(): JSX.Element {
  const deployments = status.value?.deployments ?? [];
  return (
    <>
      <div class="page-head">
        <h1>Deployment</h1>
      </div>
      {deployments.length === 0 ? (
        <Empty title="Nothing is deployed yet." command="flyball deploy my-model.onnx --name mine" />
      ) : (
        <ul class="plain choice">
          {deployments.map(({ name, state }) => (
            <li key={name}>
              <a href={`/d/${encodeURIComponent(name)}`}>{name}</a> <Badge tone={toneOf(state)} word={state} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Missing({ name }: { readonly name: string }): JSX.Element {
  const own = caller.value?.deployments;
  const isHidden = own !== undefined && !own.includes(name);
  return (
    <>
      <div class="page-head">
        <h1>{name}</h1>
      </div>
      <Empty title={isHidden ? 'Your key is not for this deployment.' : `There is no deployment ${name}.`}>
        {isHidden ? (
          <>It is for {own.join(', ')}. Whoever administers the platform can make one for more.</>
        ) : (
          <>
            It may have been removed. <a href="/">Now</a> shows those that are there; its journal is kept.
          </>
        )}
      </Empty>
    </>
  );
}
