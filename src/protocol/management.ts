/**
 * What a protocol adapter may ask of control: the way from the inference ports to what is registered and deployed.
 * It infers nothing and decides nothing; control does, and writes down who asked. Inference never needs it.
 * Invariant: while control is away every call rejects with CONTROL_UNAVAILABLE, and inference goes on.
 */
import type * as z from 'zod';
import type { DeploymentView, ModelView, OperationView, SpecificationView, VersionView } from '../api/schemas.ts';
import type { deploymentSpecification } from '../config/specification.ts';
import { FlyballError } from '../errors.ts';
import type { InferenceService } from './inference.ts';

export interface ManagementCaller {
  /** Who is written down as having asked: `rest 10.0.0.7`; the owner of the key where there are keys. */
  readonly by: string;
  readonly requestId: string;
  /** The caller's own key, where callers need one: control checks it again, and takes nobody's word for who asks. */
  readonly key?: string | undefined;
}

/** As written in a specification: what is left out has its default. */
export type DeploymentOrder = z.input<typeof deploymentSpecification>;

export interface VersionOffer {
  /** What is said about where it comes from. */
  readonly source: string;
  readonly version?: number;
  /** Of the model file that was put before; absent for a simulated one. */
  readonly digest?: string;
  /** Of the model.yaml that was put before. */
  readonly modelFile?: string;
  /** File name → digest, of what the model.yaml names. */
  readonly assets?: Readonly<Record<string, string>>;
  readonly note?: string;
}

/**
 * On behalf of one caller. Everything rejects with an error of the catalogue: the one that control gave,
 * CONTROL_UNAVAILABLE, or CANCELLED when `signal` aborts. Changes give an operation at once; `settled` waits for it.
 */
export interface Management {
  specification(signal: AbortSignal): Promise<SpecificationView>;
  models(signal: AbortSignal): Promise<readonly ModelView[]>;
  model(name: string, signal: AbortSignal): Promise<ModelView>;
  /** Keeps bytes under their digest (`sha256:…`), which is answered. */
  putArtefact(bytes: Uint8Array, signal: AbortSignal): Promise<string>;
  addVersion(model: string, offer: VersionOffer, signal: AbortSignal): Promise<VersionView>;
  removeModel(name: string, signal: AbortSignal): Promise<void>;
  removeVersion(name: string, version: number, signal: AbortSignal): Promise<void>;
  setAlias(name: string, alias: string, version: number, signal: AbortSignal): Promise<OperationView>;
  deployments(signal: AbortSignal): Promise<readonly DeploymentView[]>;
  deployment(name: string, signal: AbortSignal): Promise<DeploymentView>;
  /** `note`: what people should know of it, shown with its status. */
  deploy(name: string, deployment: DeploymentOrder, signal: AbortSignal, note?: string): Promise<OperationView>;
  scale(name: string, replicas: number, signal: AbortSignal): Promise<OperationView>;
  removeDeployment(name: string, signal: AbortSignal): Promise<OperationView>;
  /** The operation when it has succeeded; rejects with what made it fail. A restart of control is waited out. */
  settled(operation: OperationView, signal: AbortSignal): Promise<OperationView>;
}

/** Throws NOT_IMPLEMENTED where nothing can be managed: a replica that is used alone has no control. */
export function managementOf(service: InferenceService, caller: ManagementCaller): Management {
  if (service.management !== undefined) return service.management(caller);
  throw new FlyballError('NOT_IMPLEMENTED', 'this is a replica on its own: there is no control that could change it');
}
