/** A view's component, fetched when it is first asked for. One that cannot be fetched says so and may be tried again. */
import type { ComponentType, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { View, ViewProps } from '../views.ts';
import { ApiFailure } from '../api/client.ts';
import { Failed, Loading } from './states.tsx';

const loaded = new Map<string, ComponentType<ViewProps>>();

async function load({ id, component }: View): Promise<ComponentType<ViewProps>> {
  const known = loaded.get(id);
  if (known !== undefined) return known;
  const { default: found } = await (component as () => Promise<{ readonly default: ComponentType<ViewProps> }>)();
  loaded.set(id, found);
  return found;
}

export function prefetch(view: View): void {
  // It is asked for again when somebody goes there.
  void load(view).catch(() => undefined);
}

export function ViewOf({ view, ...props }: ViewProps & { readonly view: View }): JSX.Element {
  const [turn, setTurn] = useState(0);
  const [got, setGot] = useState<{ readonly id: string; readonly failure?: ApiFailure }>({ id: '' });
  const Known = view.lazy ? loaded.get(view.id) : (view.component as ComponentType<ViewProps>);
  useEffect(() => {
    if (Known !== undefined) return undefined;
    let isWanted = true;
    load(view).then(
      () => isWanted && setGot({ id: view.id }),
      (cause: unknown) => {
        const text = 'this part of the console could not be fetched; the platform may have been updated';
        const failure = new ApiFailure('UNREACHABLE', 0, text, undefined, { cause });
        if (isWanted) setGot({ id: view.id, failure });
      },
    );
    return () => {
      isWanted = false;
    };
  }, [view.id, turn]);
  if (Known !== undefined) return <Known {...props} />;
  if (got.id === view.id && got.failure !== undefined)
    return <Failed failure={got.failure} again={() => setTurn(turn + 1)} />;
  return <Loading lines={6} />;
}
