/**
 * The card beside what has focus or the pointer (WCAG 1.4.13): it stays while the pointer is on it, goes at Esc without
 * moving the focus, and there is one for the whole page.
 */
import { signal } from '@preact/signals';
import type { HTMLAttributes, JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

export interface CardContent {
  readonly title: string;
  readonly lines: readonly string[];
}

interface Shown extends CardContent {
  readonly anchor: Element;
}

const shown = signal<Shown | undefined>(undefined);
const id = 'figure-card';
let timer: ReturnType<typeof setTimeout> | undefined;

/** Long enough for the pointer to cross to the card; long enough not to flicker under one that only passes. */
const leaveMs = 200;
const enterMs = 250;

function show(anchor: Element, content: () => CardContent, afterMs: number): void {
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (!anchor.isConnected) return;
    shown.peek()?.anchor.removeAttribute('aria-describedby');
    anchor.setAttribute('aria-describedby', id);
    shown.value = { anchor, ...content() };
  }, afterMs);
}

export function hideCard(afterMs = 0): void {
  clearTimeout(timer);
  const hide = (): void => {
    shown.peek()?.anchor.removeAttribute('aria-describedby');
    shown.value = undefined;
  };
  if (afterMs === 0) hide();
  else timer = setTimeout(hide, afterMs);
}

export const isCardShown = (): boolean => shown.peek() !== undefined;

/** To be spread on what has a card. */
export function cardHandlers(
  content: () => CardContent,
): Pick<HTMLAttributes<Element>, 'onPointerEnter' | 'onPointerLeave' | 'onFocus' | 'onBlur'> {
  return {
    onPointerEnter: ({ currentTarget, pointerType }: PointerEvent) => {
      if (pointerType === 'mouse') show(currentTarget as Element, content, enterMs);
    },
    onPointerLeave: () => hideCard(leaveMs),
    onFocus: ({ currentTarget }: FocusEvent) => {
      const target = currentTarget as HTMLElement;
      if (target.matches(':focus-visible')) show(target, content, 0);
    },
    onBlur: () => hideCard(leaveMs),
  };
}

const gap = 6;

export function Card(): JSX.Element {
  const element = useRef<HTMLDivElement>(null);
  const { value } = shown;
  useLayoutEffect(() => {
    const card = element.current;
    if (card === null || value === undefined) return;
    const anchor = value.anchor.getBoundingClientRect();
    const own = card.getBoundingClientRect();
    const left = Math.max(gap, Math.min(anchor.left, window.innerWidth - own.width - gap));
    const below = anchor.bottom + gap;
    const top = below + own.height > window.innerHeight ? Math.max(gap, anchor.top - own.height - gap) : below;
    card.style.left = `${left}px`;
    card.style.top = `${top}px`;
  }, [value]);
  return (
    <div
      id={id}
      ref={element}
      class="card"
      role="tooltip"
      hidden={value === undefined}
      onPointerEnter={() => clearTimeout(timer)}
      onPointerLeave={() => hideCard(leaveMs)}
    >
      <strong>{value?.title}</strong>
      {value?.lines.map((line) => (
        <p key={line}>{line}</p>
      ))}
    </div>
  );
}
