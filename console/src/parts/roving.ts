/**
 * In a table of figures Tab goes from row to row, and the arrow keys from figure to figure: a hundred tab stops would
 * stand between a person and what is below.
 */
export function moveAmongFigures(event: KeyboardEvent): void {
  const { key, currentTarget, target } = event;
  if (!(currentTarget instanceof HTMLElement) || !(target instanceof HTMLElement)) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const row = target.closest('tr');
  if (row === null) return;
  const inRow = (of: Element): HTMLElement[] => [...of.querySelectorAll<HTMLElement>('a, button, .figure')];
  const here = inRow(row);
  const index = here.indexOf(target);
  if (index === -1) return;
  const to = ((): HTMLElement | undefined => {
    switch (key) {
      case 'ArrowRight':
        return here[index + 1];
      case 'ArrowLeft':
        return here[index - 1];
      case 'Home':
        return here[0];
      case 'End':
        return here.at(-1);
      case 'ArrowDown':
      case 'ArrowUp': {
        const rows = [...currentTarget.querySelectorAll('tbody tr:not(.spacer)')];
        const other = rows[rows.indexOf(row) + (key === 'ArrowDown' ? 1 : -1)];
        return other === undefined ? undefined : inRow(other)[index];
      }
      default:
        return undefined;
    }
  })();
  if (to === undefined) return;
  event.preventDefault();
  to.focus();
}
