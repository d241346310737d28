/**
 * What is known of all deployments, sorted into what is known of each, in one pass: whoever looks at every deployment
 * would else look through everything for each of them. Pure. Law: of a deployment the part says what the whole says.
 */
import type { ConnectedGateway } from './connected-gateway.ts';
import type { Replica } from './replica.ts';

export interface Known {
  readonly replicas: readonly Replica[];
  readonly gateways: readonly ConnectedGateway[];
}

type Observation = NonNullable<ConnectedGateway['latest']>;
type Part = Pick<Observation, 'versions' | 'replicas'>;
const nothing: Part = { versions: [], replicas: [] };

export function byDeployment(
  replicas: readonly Replica[],
  gateways: readonly ConnectedGateway[],
): (deployment: string) => Known {
  const ofDeployment = Map.groupBy(replicas, ({ deployment }) => deployment);
  const deploymentOf = new Map(replicas.map(({ id, deployment }) => [id, deployment]));
  const parts = gateways.map((gateway) => ({
    gateway,
    latest: gateway.latest && partsOf(gateway.latest, deploymentOf),
    previous: gateway.previous && partsOf(gateway.previous, deploymentOf),
  }));
  return (deployment) => ({
    replicas: ofDeployment.get(deployment) ?? [],
    gateways: parts.map(({ gateway, latest, previous }) => {
      const part = (whole: Observation | undefined, own?: ReadonlyMap<string, Part>): Observation | undefined =>
        whole && Object.assign({}, whole, own?.get(deployment) ?? nothing);
      return Object.assign(
        {},
        gateway,
        known('latest', part(gateway.latest, latest)),
        known('previous', part(gateway.previous, previous)),
      );
    }),
  });
}

function partsOf(
  { versions, replicas }: Observation,
  deploymentOf: ReadonlyMap<string, string>,
): ReadonlyMap<string, Part> {
  const byName = Map.groupBy(versions, ({ deployment }) => deployment);
  const byReplica = Map.groupBy(replicas, ({ id }) => deploymentOf.get(id));
  const names = new Set([...byName.keys(), ...byReplica.keys()]);
  return new Map(
    [...names].flatMap((name) =>
      name === undefined ? [] : [[name, { versions: byName.get(name) ?? [], replicas: byReplica.get(name) ?? [] }]],
    ),
  );
}

/** Absent is not undefined. */
function known(name: 'latest' | 'previous', seen: Observation | undefined): Pick<ConnectedGateway, typeof name> {
  return seen === undefined ? {} : { [name]: seen };
}
