/** A stage of a decision: its name, the question that it answers, and what it says. */
import type { ComponentChildren, JSX } from 'preact';

interface SectionProps {
  readonly id: string;
  readonly name: string;
  readonly question: string;
  readonly children: ComponentChildren;
}

export function Section({ id, name, question, children }: SectionProps): JSX.Element {
  return (
    <section class="stage" aria-labelledby={`stage-${id}`}>
      <header class="stage-head">
        <h2 id={`stage-${id}`}>{name}</h2>
        <p class="muted">{question}</p>
      </header>
      <div class="panel">{children}</div>
    </section>
  );
}
