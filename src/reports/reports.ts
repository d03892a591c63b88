// All reports by the path with which the control socket answers them.
import type { z } from 'zod';
import { calibrate } from './calibration.js';
import { correct, corrections, undo } from './corrections.js';
import { faces } from './faces.js';
import { household } from './household.js';
import { identify } from './identify.js';
import { disable, enable, faults, people, show } from './people.js';
import { privacy } from './privacy.js';
import { replay } from './replay.js';
import type { Report, Sources, Work } from './report.js';

export const reports = {
  people,
  show,
  'people/check': faults,
  'people/disable': disable,
  'people/enable': enable,
  calibrate,
  replay,
  correct,
  corrections,
  'corrections/undo': undo,
  faces,
  household,
  identify,
  privacy,
} as const satisfies Readonly<Record<string, Report<z.ZodType, z.ZodType>>>;

export type ReportName = keyof typeof reports;
export type ReportGiven<N extends ReportName> = z.output<(typeof reports)[N]['given']>;
export type ReportAnswer<N extends ReportName> = z.output<(typeof reports)[N]['answer']>;

/** Makes the report `name`. Errors: those of the report. */
export async function makeReport<N extends ReportName>(
  name: N,
  given: ReportGiven<N>,
  sources: Sources,
  work: Work,
): Promise<ReportAnswer<N>> {
  const { make } = reports[name] as unknown as Report<z.ZodType, z.ZodType>;
  return (await make(given, sources, work)) as ReportAnswer<N>;
}
