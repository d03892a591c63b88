// The thresholds of each person under the configured budget of wrong names, and the expected FNIR.
import { z } from 'zod';
import { createCalibrator, recognitionOptions } from '../config/parts.js';
import type { Calibration } from '../gallery/calibration.js';
import { calibrationAdvice } from '../gallery/calibration-advice.js';
import type { PersonScores } from '../gallery/score-bins.js';
import { report } from './report.js';

const number = z.number();
const text = z.string();
const thresholds = z.object({ threshold: number, margin: number });
const normal = z.object({ mean: number, standardDeviation: number });

const calibrationSchema: z.ZodType<Calibration> = z.object({
  people: z.array(
    z.object({
      person: text,
      name: text,
      templates: number,
      adjustment: thresholds.extend({ headroom: number.exactOptional() }),
      hypotheses: z.object({
        genuine: normal.extend({ own: z.boolean() }),
        impostor: normal,
        falsePositiveRate: number,
      }),
      single: number,
      pooled: number,
      fnir: z.object({ observations: number, tracks: number, own: z.boolean() }),
      closest: z.object({ person: text, name: text, similarity: number }).nullable(),
    }),
  ),
  closestPair: z.object({ people: z.tuple([text, text]), similarity: number }).nullable(),
});

const bins = z.object({ below: z.array(number), above: z.array(number) });
/** Counts in bins around the threshold: no single similarity of a face is told. */
export const scoresSchema: z.ZodType<readonly PersonScores[]> = z.array(
  z.object({ person: text, name: text, threshold: number, own: bins, unknown: bins }),
);

export const calibrate = report({
  method: 'GET',
  given: z.object({}),
  answer: calibrationSchema.and(
    z.object({
      space: text,
      budget: z.object({ wrongNamesPerMonth: number, strangersPerDay: number }),
      /** Faces of unknown people: shipped with the model, and the household's own. */
      cohort: z.object({ shipped: number, own: number }),
      single: thresholds,
      pooled: thresholds,
      /** Whether the configuration sets the threshold for everybody. */
      fixed: z.boolean(),
      advice: z.array(text),
      scores: scoresSchema,
    }),
  ),
  make(_, { config, store, space: configured }) {
    const options = recognitionOptions(config);
    const space = configured();
    const { calibration: calibrationOf, scores, budget, cohort } = createCalibrator(config, space, options);
    const gallery = store.gallery(space);
    const calibration = calibrationOf(gallery);
    return {
      space,
      budget,
      cohort: { shipped: cohort, own: gallery.cohort.length },
      single: { threshold: options.single.threshold, margin: options.single.margin },
      pooled: { threshold: options.pooled.threshold, margin: options.pooled.margin },
      fixed: config.recognition.threshold !== null,
      ...calibration,
      advice: [...calibrationAdvice(gallery, calibration)],
      scores: [...scores(gallery, calibration)],
    };
  },
});
