/** Where keys are required: one field that a password manager knows, and nothing to be solved. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { signIn } from '../api/caller.ts';
import { startLive } from '../live/store.ts';
import { Failed } from '../parts/states.tsx';
import { useAct } from '../parts/use-act.ts';
import { go } from '../router.ts';
import type { ViewProps } from '../views.ts';
import { ownPath } from './own-path.ts';

export default function SignIn({ query }: ViewProps): JSX.Element {
  const [key, setKey] = useState('');
  const act = useAct();
  const enter = async (): Promise<void> => {
    await signIn(key.trim());
    await startLive();
    go(ownPath(query['to']));
  };
  return (
    <div class="sign-in">
      <h1>Sign in</h1>
      <p class="muted">
        This platform asks for an API key. Whoever runs it makes one with <code>flyball keys create</code>; the first is
        in the data directory’s <code>admin.key</code>.
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          act.run(enter);
        }}
      >
        <label class="field">
          API key
          <input
            type="password"
            name="key"
            required
            autoComplete="current-password"
            spellcheck={false}
            value={key}
            onInput={({ currentTarget }) => setKey(currentTarget.value)}
          />
        </label>
        {act.failure !== undefined && <Failed failure={act.failure} />}
        <button type="submit" class="button solid" disabled={act.isRunning || key.trim() === ''}>
          {act.isRunning ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
    </div>
  );
}
