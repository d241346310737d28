/** What is to be rehearsed: of which deployment, on which load, which policies, and what goes wrong meanwhile. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { OperationView } from '../../../../src/api/schemas.ts';
import { actor, deploymentPath } from '../../api/caller.ts';
import { ask } from '../../api/client.ts';
import { Failed } from '../../parts/states.tsx';
import { useAct } from '../../parts/use-act.ts';
import { ChoiceList } from './choice-list.tsx';
import type { Choices } from './kinds.ts';
import { emptyForm, runRequest, type RunForm as Form } from './run-request.ts';

interface RunFormProps {
  readonly choices: Choices;
  readonly deployments: readonly string[];
  /** The one that the address names. */
  readonly first: string | undefined;
  readonly onStarted: (operation: OperationView) => void;
}

const recorded = [
  ['last:10m', 'the last 10 minutes'],
  ['last:1h', 'the last hour'],
  ['last:24h', 'the last 24 hours'],
  ['last:7d', 'the last 7 days'],
] as const;

export function RunForm({ choices, deployments, first, onStarted }: RunFormProps): JSX.Element {
  const known = deployments.find((name) => name === first) ?? deployments[0] ?? '';
  const [form, setForm] = useState<Form>(() => emptyForm(known));
  const [problem, setProblem] = useState<string | undefined>();
  const act = useAct();
  const set = (change: Partial<Form>): void => setForm((before) => ({ ...before, ...change }));
  const shape = choices.shapes.find(({ name }) => `shape:${name}` === form.trace);
  const start = (): void => {
    const read = runRequest(form, choices, actor.peek());
    setProblem(read.kind === 'refused' ? read.problem : undefined);
    if (read.kind === 'refused') return;
    const path = `${deploymentPath(form.deployment)}/rehearsals/run`;
    act.run(() => ask<OperationView>(path, { method: 'POST', body: read.body }).then(onStarted));
  };
  return (
    <form
      class="rehearsal-form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        start();
      }}
    >
      <label class="field">
        Deployment
        <select value={form.deployment} onChange={({ currentTarget }) => set({ deployment: currentTarget.value })}>
          {deployments.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <label class="field">
        Load
        <select value={form.trace} onChange={({ currentTarget }) => set({ trace: currentTarget.value })}>
          <optgroup label="As it was recorded">
            {recorded.map(([value, words]) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
          </optgroup>
          <optgroup label="A course that nobody recorded">
            {choices.shapes.map(({ name, about }) => (
              <option key={name} value={`shape:${name}`}>
                {name}: {about}
              </option>
            ))}
          </optgroup>
        </select>
      </label>
      <div class="rehearsal-pair">
        <label class="field">
          Requests a second, mean
          <input
            type="text"
            inputMode="decimal"
            placeholder={shape === undefined ? 'as recorded' : '150'}
            value={form.mean}
            onInput={({ currentTarget }) => set({ mean: currentTarget.value })}
          />
        </label>
        {shape !== undefined && (
          <label class="field">
            Length, minutes
            <input
              type="text"
              inputMode="decimal"
              placeholder={String(shape.seconds / 60)}
              value={form.minutes}
              onInput={({ currentTarget }) => set({ minutes: currentTarget.value })}
            />
          </label>
        )}
      </div>
      <ChoiceList
        legend="Policies"
        hint="None ticked: its own, and every other that has a rule for any load."
        items={choices.policies.map(({ name, summary, parameters }) => ({ name, about: summary, parameters }))}
        chosen={form.policies}
        onChange={(policies) => set({ policies })}
      />
      <label class="field">
        Lag: from the order of a replica to its first request
        <select value={form.lag} onChange={({ currentTarget }) => set({ lag: currentTarget.value })}>
          <option value="">as its starts have been</option>
          {choices.lags.map(({ name, seconds }) => (
            <option key={name} value={name}>
              {name}: {seconds} s
            </option>
          ))}
        </select>
      </label>
      <ChoiceList
        legend="What goes wrong"
        hint="None ticked: nothing does."
        items={choices.faults.map(({ name, parameters }) => ({
          name,
          about: parameters.map(({ about }) => about).join(' '),
          parameters,
        }))}
        chosen={form.faults}
        onChange={(faults) => set({ faults })}
      />
      <div class="rehearsal-pair">
        <label class="field">
          May be missed, %
          <input
            type="text"
            inputMode="decimal"
            placeholder="1"
            value={form.tolerated}
            onInput={({ currentTarget }) => set({ tolerated: currentTarget.value })}
          />
        </label>
        <label class="field">
          Seed
          <input
            type="text"
            inputMode="numeric"
            value={form.seed}
            onInput={({ currentTarget }) => set({ seed: currentTarget.value })}
          />
        </label>
      </div>
      <p class="muted rehearsal-note">
        It changes nothing that runs, and takes of the processor what is left. The same seed gives the same figures.
      </p>
      {problem !== undefined && (
        <p class="rehearsal-problem" role="alert">
          {problem}
        </p>
      )}
      {act.failure !== undefined && <Failed failure={act.failure} />}
      <div>
        <button type="submit" class="button solid" disabled={act.isRunning}>
          {act.isRunning ? 'Starting…' : 'Rehearse'}
        </button>
      </div>
    </form>
  );
}
