// A look's quality in a document: a backup, or a person that another room hands over.
import { z } from 'zod';

const number = z.number();

export const qualitySchema = z.object({
  eyesPx: number,
  sharpness: number,
  yawDegrees: number,
  pitchDegrees: number,
  light: number,
  contrast: number,
});
