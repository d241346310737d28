/** Who looks at the page, and what they may do: what they may not, the page does not offer. */
import { computed, signal } from '@preact/signals';
import { holds, type Scope } from '../../../src/core/access/scopes.ts';
import { ApiFailure, ask, segment } from './client.ts';

export interface Caller {
  readonly auth: 'none' | 'required';
  readonly name?: string | undefined;
  readonly scopes: readonly Scope[];
  /** Absent: all of them. */
  readonly deployments?: readonly string[] | undefined;
  readonly version: string;
}

export const caller = signal<Caller | undefined>(undefined);

/** False until it is known: a button that vanishes is worse than one that comes. */
export const mayOperate = computed(() => allows(caller.value, 'operate'));
export const mayInfer = computed(() => allows(caller.value, 'infer'));
export const mayAdminister = computed(() => allows(caller.value, 'admin'));

export function allows(who: Caller | undefined, scope: Scope, deployment?: string): boolean {
  if (who === undefined || !holds(who, scope)) return false;
  // What is of the whole platform is for those whose key is.
  if (who.deployments === undefined) return true;
  return deployment !== undefined && who.deployments.includes(deployment);
}

/** Whom an act is by: their key's name, where there are keys. */
export const actor = computed(() => caller.value?.name ?? 'console');

/** Undefined: nobody yet, and somebody must sign in. */
export async function learnCaller(): Promise<Caller | undefined> {
  try {
    caller.value = await ask<Caller>('/caller');
  } catch (error) {
    if (!(error instanceof ApiFailure) || error.status !== 401) throw error;
    caller.value = undefined;
  }
  return caller.value;
}

export async function signIn(key: string): Promise<Caller> {
  caller.value = await ask<Caller>('/sign-in', { method: 'POST', body: { key } });
  return caller.value;
}

export async function signOut(): Promise<void> {
  await ask('/sign-out', { method: 'POST', body: {} });
  caller.value = undefined;
}

export const deploymentPath = (name: string): string => `/deployments/${segment(name)}`;
