/** The shapes of the control API that this view reads. */
import type { RehearsalChoices, RehearsalDetail } from '../../../../src/api/rehearsal-schemas.ts';

export type Choices = RehearsalChoices;
export type Rehearsal = RehearsalDetail;
export type PolicyRow = Rehearsal['report']['policies'][number];
export type Timelines = NonNullable<Rehearsal['timelines']>;
export type ParameterChoice = Choices['faults'][number]['parameters'][number];
