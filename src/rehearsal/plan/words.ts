/** A plan in words: the setting in a line, and what was taken to be so without anybody having said it. Pure. */
import type { Constraints } from '../../core/scaling/constrain.ts';
import { dateTime, milliseconds, rate, seconds } from '../../units.ts';
import { learnedService } from '../learned.ts';
import { duration } from '../report/picture.ts';
import type { Scenario } from '../scenario.ts';
import { durationMs, meanRate } from '../traffic/traffic.ts';
import { meanOf } from '../world/distribution.ts';
import type { Ask, AskedOf, Wording } from './ask.ts';

export function settingText(scenario: Scenario, tolerated: number): string {
  const { traffic, latencyMs, deadlineMs, lag, min, max, service, faults, constraints } = scenario;
  const [one] = service.curve;
  const names = Object.keys(faults);
  return [
    `${traffic.name} at ${rate(meanRate(traffic))} requests/s for ${duration(durationMs(traffic) / 1000)}`,
    `${milliseconds(one?.ms ?? 0)} a request${service.curve.length > 1 ? ' alone, batched' : ''}`,
    `objective ${milliseconds(latencyMs)} for all but ${tolerated * 100} %, deadline ${milliseconds(deadlineMs)}`,
    `${min} to ${max} replicas, each ready after ${seconds(meanOf(lag))}`,
    ...(constraints === undefined ? [] : constraintsText(constraints)),
    ...(names.length > 0 ? [`faults: ${names.join(', ')}`] : []),
  ].join('; ');
}

/** What holds a target back besides its bounds. */
function constraintsText(set: Constraints): readonly string[] {
  const { upStabilizationSeconds: up, downStabilizationSeconds: down, cost, freezes } = set;
  return [
    ...(up > 0 ? [`more once it has been wished for ${up} s`] : []),
    ...(down > 0 ? [`fewer once it has been wished for ${down} s`] : []),
    ...rateText('up', set.upRate),
    ...rateText('down', set.downRate),
    ...(set.blastRadius < 1 ? [`at most ${set.blastRadius * 100} % go at once`] : []),
    ...(Number.isFinite(set.reversalsPerHour) ? [`at most ${set.reversalsPerHour} reversals an hour`] : []),
    ...(freezes.length > 0 ? [`${freezes.length} freezes`] : []),
    ...(cost === null ? [] : [`a budget of ${cost.amount} in ${duration(cost.periodSeconds)}`]),
  ];
}

function rateText(way: 'up' | 'down', rules: Constraints['upRate']): readonly string[] {
  if (rules === null) return [];
  const each = rules.policies.map(({ type, value, periodSeconds }) => {
    const many = type === 'Percent' ? `${value} %` : String(value);
    return `${many} in ${duration(periodSeconds)}`;
  });
  return [`${way} by ${each.join(' or ')} at most`];
}

/** `assumedMs`: of a call where too few have been seen. */
export function notesOf(
  { specification, shown }: AskedOf,
  { curve, lag }: Ask,
  assumedMs: number,
  { orSay }: Wording,
): readonly string[] {
  const notes: string[] = [];
  if (shown !== undefined) {
    const { deployment, model } = shown;
    if (curve === undefined)
      notes.push(
        learnedService(model) === undefined
          ? `${deployment} has answered too little to tell what a call takes: ${assumedMs} ms are assumed${orSay('service')}`
          : `what calls take is as ${model.calls} of them have shown since ${dateTime(model.since)}`,
      );
    const unseen =
      shown.lag === undefined ? 'the lag of a process is assumed' : 'they take what the governor expects of them';
    if (lag === undefined)
      notes.push(
        model.starts.length === 0
          ? `too little is known of the starts of ${deployment}: ${unseen}${orSay('lag')}`
          : `what starts take is as the last ${model.starts.length} have shown`,
      );
  }
  const { forecaster } = specification?.scaling ?? {};
  if (forecaster !== undefined) notes.push(`forecasts of ${forecaster} are not rehearsed`);
  if (Object.keys(specification?.scaling.metrics ?? {}).length > 0)
    notes.push('scaling.metrics are not rehearsed: what other systems told is not on record');
  if ((specification?.batching?.delayMs ?? 0) > 0)
    notes.push('batching.delayMs is not rehearsed: nobody waits for company');
  return notes;
}
