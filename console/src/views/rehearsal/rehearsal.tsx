/** May I arm it? The rehearsals that were made, one of them, and the form that makes another. */
import type { JSX } from 'preact';
import type { ViewProps } from '../../views.ts';
import { RehearsalList } from './list.tsx';
import { OneRehearsal } from './one.tsx';
import './rehearsal.css';

export default function RehearsalView({ params, query }: ViewProps): JSX.Element {
  const { id } = params;
  return id === undefined ? <RehearsalList query={query} /> : <OneRehearsal key={id} id={id} query={query} />;
}
