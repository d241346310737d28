/** One cursor for all charts of a page: a moment, or none. */
import { signal } from '@preact/signals';

export const cursorAt = signal<number | undefined>(undefined);
