/**
 * The simulated world again, slowly: the core's own queue, admission, batches and choice of replica on objects, event by
 * event. What the rehearsal's typed arrays do is compared with it, request by request.
 */
import { admit } from '../core/queueing/admission.ts';
import { formBatch, type PayloadTicket } from '../core/queueing/batch.ts';
import { createCostCurve, learnWarmUp, type CostCurve } from '../core/queueing/cost-curve.ts';
import { RequestQueue } from '../core/queueing/queue.ts';
import { chooseReplica, type Candidate } from '../core/routing/choose-replica.ts';
import { evenPace } from '../core/routing/pace.ts';
import { healthy } from '../core/routing/replica-health.ts';
import type { ServiceTables } from '../rehearsal/world/service.ts';

interface Request extends PayloadTicket {
  readonly factor: number;
}

interface Replica extends Candidate {
  outstandingCalls: number;
  outstandingRows: number;
  lastUsed: number;
  readonly bornAt: number;
  drains: boolean;
  endsAt: number;
  call: readonly Request[];
}

export interface CoreWorldSettings {
  readonly curve: readonly { readonly rows: number; readonly ms: number }[];
  readonly service: ServiceTables;
  readonly queueLengthMax: number;
  readonly deadlineMs: number;
}

/** Something that happens to the fleet. */
export interface FleetEvent {
  readonly at: number;
  readonly kind: 'open' | 'drain';
}

/** When each request was answered, by its number; what was not is named. */
export type Fate = number | 'refused' | 'expired';

export function coreWorld(
  settings: CoreWorldSettings,
  arrivals: readonly { readonly at: number; readonly factor: number }[],
  events: readonly FleetEvent[],
): Map<number, Fate> {
  const { service, deadlineMs, queueLengthMax } = settings;
  const fates = new Map<number, Fate>();
  const queue = new RequestQueue<Request>({ lengthMax: queueLengthMax, priorityLevels: 1 });
  let replicas: Replica[] = [];
  let uses = 0;
  // An estimate that has grown old refuses nothing; here the costs are always known.
  const curveAt = (at: number): CostCurve => {
    const curve = createCostCurve();
    for (const { rows, ms } of settings.curve) learnWarmUp(curve, rows, ms, at);
    curve.tail = service.tail;
    return curve;
  };
  const serving = (): Replica[] => replicas.filter(({ drains }) => !drains);
  const choose = (): Replica | undefined => chooseReplica(serving(), { depth: 1, waiting: queue.length, uses });
  const send = (replica: Replica, call: readonly Request[], at: number): void => {
    replica.call = call;
    replica.outstandingCalls = 1;
    replica.outstandingRows = call.length;
    replica.endsAt = at + (service.ms[call.length] as number) * (call[0]?.factor ?? 1);
  };
  const pump = (at: number): void => {
    while (queue.length > 0) {
      const replica = choose();
      if (replica === undefined) return;
      const terms = {
        readyReplicas: serving().length,
        cap: service.cap,
        delayMs: 0,
        batchable: service.cap > 1,
        curve: curveAt(at),
        aheadMs: 0,
      };
      const batch = formBatch(queue, terms, at);
      for (const { arrivedAt } of batch.hopeless) fates.set(arrivedAt, 'expired');
      if (batch.items.length === 0) return;
      send(replica, batch.items, at);
    }
  };
  const arrive = (at: number, factor: number): void => {
    const deadlineAt = at + deadlineMs;
    const place = { heapIndex: -1, place: undefined };
    const request: Request = {
      key: '',
      rows: 1,
      priority: 1,
      arrivedAt: at,
      deadlineAt,
      payload: 'tensors',
      factor,
      ...place,
    };
    const replica = queue.length === 0 ? choose() : undefined;
    if (replica !== undefined) return send(replica, [request], at);
    let rowsInFlight = 0;
    for (const { outstandingRows } of replicas) rowsInFlight += outstandingRows;
    const capacity = { readyReplicas: serving().length, cap: service.cap, rowsInFlight };
    if (admit(queue, request, capacity, curveAt(at), at).kind === 'refused') fates.set(at, 'refused');
    else {
      queue.add(request);
      pump(at);
    }
  };
  const complete = (replica: Replica, at: number): void => {
    for (const { arrivedAt } of replica.call) fates.set(arrivedAt, at);
    replica.outstandingCalls = 0;
    replica.outstandingRows = 0;
    replica.endsAt = Infinity;
    uses += 1;
    // When it became idle and not when it was last given work: replicas are alike, and only their order counts.
    replica.lastUsed = uses;
    if (replica.drains) replicas = replicas.filter((each) => each !== replica);
    pump(at);
  };
  const happen = ({ at, kind }: FleetEvent): void => {
    if (kind === 'open') {
      uses += 1;
      const fresh = { health: healthy, outstandingCalls: 0, outstandingRows: 0, pace: evenPace, overdue: false };
      replicas.push({ ...fresh, lastUsed: uses, bornAt: at, drains: false, endsAt: Infinity, call: [] });
      return pump(at);
    }
    const [first] = serving().sort(
      (one, other) => one.outstandingRows - other.outstandingRows || other.bornAt - one.bornAt,
    );
    if (first === undefined) return;
    if (first.outstandingCalls === 0) replicas = replicas.filter((each) => each !== first);
    else first.drains = true;
  };
  const expire = (at: number): void => {
    for (const { arrivedAt } of queue.takeExpired(at)) fates.set(arrivedAt, 'expired');
  };
  let [nextArrival, nextEvent] = [0, 0];
  for (;;) {
    const arrival = arrivals[nextArrival];
    const event = events[nextEvent];
    let ending: Replica | undefined;
    for (const replica of replicas) if (replica.endsAt < (ending?.endsAt ?? Infinity)) ending = replica;
    const at = Math.min(arrival?.at ?? Infinity, event?.at ?? Infinity, ending?.endsAt ?? Infinity);
    if (at === Infinity) break;
    expire(at);
    if (ending !== undefined && ending.endsAt === at) complete(ending, at);
    else if (arrival !== undefined && arrival.at === at) {
      nextArrival += 1;
      arrive(at, arrival.factor);
    } else if (event !== undefined) {
      nextEvent += 1;
      happen(event);
    }
  }
  expire(Infinity);
  return fates;
}
