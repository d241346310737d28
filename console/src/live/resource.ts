/** What a view asks for beside the stream: a value that is loading, there, there but old, or missing with a reason. Pure. */
import { ApiFailure } from '../api/client.ts';

export type Resource<Value> =
  | { readonly kind: 'loading' }
  | { readonly kind: 'ready'; readonly value: Value; readonly at: number }
  /** The last that was known, and why nothing newer is. */
  | { readonly kind: 'stale'; readonly value: Value; readonly at: number; readonly failure: ApiFailure }
  | { readonly kind: 'failed'; readonly failure: ApiFailure };

export function failed<Value>(before: Resource<Value>, failure: ApiFailure): Resource<Value> {
  switch (before.kind) {
    case 'ready':
    case 'stale':
      return { kind: 'stale', value: before.value, at: before.at, failure };
    case 'loading':
    case 'failed':
      return { kind: 'failed', failure };
  }
}

export function valueOf<Value>(resource: Resource<Value>): Value | undefined {
  return resource.kind === 'ready' || resource.kind === 'stale' ? resource.value : undefined;
}

export function toFailure(error: unknown): ApiFailure {
  if (error instanceof ApiFailure) return error;
  return new ApiFailure('CONSOLE_FAULT', 0, error instanceof Error ? error.message : String(error));
}
