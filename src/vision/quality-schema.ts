// Apart from face.ts, because the process that runs the models reads no documents and does without the library that checks them.
import { z } from 'zod';
import { type Quality, unmeasuredQuality } from './face.js';

/** `Quality` as part of a document: a backup, a person from another room, a sampled decision. Earlier versions wrote less. */
export const qualitySchema: z.ZodType<Quality> = z.object({
  eyesPx: z.number(),
  sharpness: z.number(),
  yawDegrees: z.number(),
  pitchDegrees: z.number(),
  light: z.number(),
  contrast: z.number(),
  rollDegrees: z.number().default(unmeasuredQuality.rollDegrees),
  misfit: z.number().default(unmeasuredQuality.misfit),
  glare: z.number().default(unmeasuredQuality.glare),
  clarity: z.number().nullable().default(unmeasuredQuality.clarity),
});
