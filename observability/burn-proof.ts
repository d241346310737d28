/** Budgets that are spent at one rate all the time, in bursts, or not at all: which of their alerts fire, and which do not. */
import { budgetAlerts, type Alert } from './alerts.ts';
import { burns, type Objective, objectives } from './objectives.ts';
import { expectation, ruleTest, type InputSeries, type RuleTest } from './proof.ts';

/** Windows that reach further back than the series see all of it: the share that fails is the same. */
const minutes = 30;
const perMinute = 100_000;
const names = [...new Set(budgetAlerts.map(({ name }) => name))];
const share = { availability: 0.001, latency: 0.01 } as const;

const failingAt = (slo: Objective['slo'], rate: number): number => Math.round(perMinute * share[slo] * rate);

/** `bad`: its counter in promtool's notation. */
const traffic = (slo: Objective['slo'], bad: string, asked = minutes): InputSeries => ({
  'flyball_requests_total{deployment="d",version="1",protocol="rest",outcome="ok"}':
    asked > 0 ? `0+${perMinute}x${asked}` : `5x${minutes}`,
  [`flyball_requests_${slo === 'availability' ? 'bad' : 'late'}_total{deployment="d",version="1"}`]: bad,
  'flyball_slo_availability_ratio{deployment="d"}': `0.999x${Math.max(asked, minutes)}`,
});

const firing = (
  slo: Objective['slo'],
  which: (alert: Alert, index: number) => boolean,
  at: string,
): readonly object[] =>
  names.map((name) =>
    expectation(
      name,
      at,
      budgetAlerts
        .filter(({ labels }) => labels?.['slo'] === slo)
        .filter((alert, index) => alert.name === name && which(alert, index))
        .map((alert) => ({ alert, labels: { deployment: 'd' } })),
    ),
  );

/** One rate between each two factors, one above all and one below. */
const rates = [0.9, 2, 4, 10, 20];

export const burnTests: readonly RuleTest[] = objectives.flatMap(({ slo }) => {
  const steady = rates.map((rate) =>
    ruleTest(
      `${slo}: spent ${rate} times as fast as allowed`,
      traffic(slo, `0+${failingAt(slo, rate)}x${minutes}`),
      firing(slo, (_, index) => (burns[index]?.factor ?? 0) < rate, '25m'),
    ),
  );
  const quiet = ruleTest(
    `${slo}: nobody asks`,
    traffic(slo, `7x${minutes}`, 0),
    firing(slo, () => false, '25m'),
  );
  // Two minutes of nothing but failures: over before anybody would be up, and no reason to wake anybody later.
  const bursts = `0x20 ${perMinute}+${perMinute}x1 ${2 * perMinute}x60`;
  const over = ruleTest(`${slo}: a burst that is over`, traffic(slo, bursts, 80), [
    expectation('FlyballBudgetBurnsFast', '22m', []),
    expectation('FlyballBudgetBurnsFast', '60m', []),
  ]);
  return steady.concat(quiet, over);
});
