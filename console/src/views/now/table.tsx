/** The table of deployments: only the rows that are seen are drawn, so that a thousand are as quick as ten. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { DeploymentView } from '../../../../src/api/schemas.ts';
import { moveAmongFigures } from '../../parts/roving.ts';
import { DeploymentRow } from './row.tsx';
import { useSparks } from './sparks.ts';
import { rowsIn, type Rows } from '../../parts/window.ts';

interface TableProps {
  readonly deployments: readonly DeploymentView[];
  /** When all this was so, by the platform's clock. */
  readonly at: number;
}

/** As the style sheet says; cards on a narrow screen are higher. */
function rowHeightPx(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).getPropertyValue('--row-px')) || 56;
}

function useRows(count: number): { readonly body: { current: HTMLTableSectionElement | null }; readonly rows: Rows } {
  const body = useRef<HTMLTableSectionElement>(null);
  const [rowPx, setRowPx] = useState(rowHeightPx);
  const [rows, setRows] = useState(() => rowsIn(count, rowPx, 0, window.innerHeight));
  useEffect(() => {
    const look = (): void => {
      const top = body.current === null ? 0 : -body.current.getBoundingClientRect().top;
      const seen = rowsIn(count, rowPx, top, window.innerHeight);
      setRows((before) => (before.first === seen.first && before.end === seen.end ? before : seen));
    };
    const measure = (): void => {
      setRowPx(rowHeightPx());
      look();
    };
    look();
    window.addEventListener('scroll', look, { passive: true });
    window.addEventListener('resize', measure);
    return () => {
      window.removeEventListener('scroll', look);
      window.removeEventListener('resize', measure);
    };
  }, [count, rowPx]);
  return { body, rows: rows.end > count ? rowsIn(count, rowPx, 0, window.innerHeight) : rows };
}

/** The same for ever: made once, so that nobody compares it while rows go by. */
const caption = (
  <caption class="sr-only">
    Deployments with their load, latency, replicas and the governor’s last decision. Arrow keys go from figure to
    figure.
  </caption>
);
const head = (
  <thead role="rowgroup">
    <tr role="row" class="head-groups">
      <td colSpan={6} aria-hidden="true" />
      <th role="columnheader" colSpan={5} scope="colgroup" class="group">
        Replicas
      </th>
      <td aria-hidden="true" />
    </tr>
    <tr role="row">
      <th role="columnheader" scope="col">
        Deployment
      </th>
      <th role="columnheader" scope="col" class="number">
        Load <span class="unit">req/s</span>
      </th>
      <th role="columnheader" scope="col" class="number">
        p50 <span class="unit">ms</span>
      </th>
      <th role="columnheader" scope="col" class="number">
        p99 / SLO <span class="unit">ms</span>
      </th>
      <th role="columnheader" scope="col" class="number">
        Errors
      </th>
      <th role="columnheader" scope="col" class="number">
        Queue
      </th>
      {['Desired', 'Starting', 'Ready', 'Serving', 'Draining'].map((name) => (
        <th key={name} role="columnheader" scope="col" class="number narrow">
          {name}
        </th>
      ))}
      <th role="columnheader" scope="col">
        Last decision
      </th>
    </tr>
  </thead>
);

export function DeploymentTable({ deployments, at }: TableProps): JSX.Element {
  const { body, rows } = useRows(deployments.length);
  const shown = deployments.slice(rows.first, rows.end);
  useSparks(shown.slice(0, 60).map(({ name }) => name));
  return (
    <div class="table-frame">
      <table class="now-table" role="table" aria-rowcount={deployments.length + 1} onKeyDown={moveAmongFigures}>
        {caption}
        {head}
        <tbody role="rowgroup" ref={body}>
          {rows.beforePx > 0 && <Spacer px={rows.beforePx} />}
          {shown.map((deployment, index) => (
            <DeploymentRow key={deployment.name} deployment={deployment} at={at} index={rows.first + index + 2} />
          ))}
          {rows.afterPx > 0 && <Spacer px={rows.afterPx} />}
        </tbody>
      </table>
    </div>
  );
}

function Spacer({ px }: { readonly px: number }): JSX.Element {
  return (
    <tr aria-hidden="true" class="spacer">
      <td colSpan={12} style={{ height: `${px}px` }} />
    </tr>
  );
}
